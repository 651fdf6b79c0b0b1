// decode.js: decodes a volume from the text that pack.rs wrote: differences of neighbours, compressed with zlib, in
// base64.

/** Decodes base64 text to bytes. */
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** Decompresses bytes (zlib). */
async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The levels [row, column] of a text, rows of `width`. */
async function decoded(text, width) {
  const bytes = await inflated(bytesOf(text));
  const count = bytes.length >> 1;
  const levels = new Uint16Array(count);
  let first = 0;
  for (let row = 0; row < count; row += width) {
    let level = first;
    for (let i = row; i < row + width; i++) {
      const folded = bytes[i] | (bytes[count + i] << 8);
      level = (level + ((folded >> 1) ^ -(folded & 1))) & 0xffff;
      levels[i] = level;
    }
    first = levels[row];
  }
  return levels;
}
