//! JPEG-LS, lossless and near-lossless, of one component (ISO/IEC 14495-1, ITU-T T.87; names are the standard's).
//!
//! No existing crate is suitable, hence this decoder: the one in pure Rust (dicom-toolkit-codec 0.5) fails on files of
//! real scanners, and the binding to CharLS needs cmake to build and reads untrusted bytes in C++.

/// Binary logarithm of the length of runs by their index (A.2.1).
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Number of regular contexts; two for interrupted runs follow them.
const REGULAR: usize = 365;

type Decoded<T> = Result<T, &'static str>;

/// Coding parameters from the headers.
#[derive(Debug, Clone, Copy, Default)]
struct Parameters {
    rows: usize,
    columns: usize,
    bits: u32,
    near: i32,
    maxval: i32,
    thresholds: [i32; 3],
    reset: i32,
}

/// Decodes the samples of a frame: one byte each up to 8 bits, two (little-endian) above.
///
/// # Errors
/// A message, for a frame that is damaged or has several components.
pub(super) fn decode(bytes: &[u8]) -> Decoded<Vec<u8>> {
    let (parameters, data) = headers(bytes)?;
    let mut scan = Scan::new(parameters, data);
    let (rows, columns) = (parameters.rows, parameters.columns);
    let mut out = Vec::with_capacity(rows * columns * if parameters.bits > 8 { 2 } else { 1 });
    // One sample of margin on either side holds the values beyond the edges (A.2.1).
    let (mut above, mut line) = (vec![0; columns + 2], vec![0; columns + 2]);
    for _ in 0..rows {
        above[columns + 1] = above[columns];
        line[0] = above[1];
        scan.line(&above, &mut line)?;
        for &sample in &line[1..=columns] {
            if parameters.bits > 8 {
                out.extend((sample as u16).to_le_bytes());
            } else {
                out.push(sample as u8);
            }
        }
        std::mem::swap(&mut above, &mut line);
    }
    Ok(out)
}

/// Reads the marker segments up to the scan (annex C). Returns the parameters and the bytes of the scan.
fn headers(bytes: &[u8]) -> Decoded<(Parameters, &[u8])> {
    const SHORT: &str = "its headers end early";
    let mut found = Parameters::default();
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or("it has no JPEG start-of-image marker")?;
    loop {
        let &[0xff, marker, high, low, ..] = rest else { return Err(SHORT) };
        if marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..2 + length).ok_or(SHORT)?;
        rest = &rest[2 + length..];
        let short = |at: usize| segment.get(at..at + 2).map(|b| i32::from(u16::from_be_bytes([b[0], b[1]])));
        match (marker, segment) {
            (0xf7, &[bits, _, _, _, _, 1, ..]) => {
                found.bits = u32::from(bits);
                (found.rows, found.columns) = (short(1).ok_or(SHORT)? as usize, short(3).ok_or(SHORT)? as usize);
            }
            (0xf8, &[1, ..]) => {
                let [maxval, a, b, c, reset] = [1, 3, 5, 7, 9].map(|at| short(at).unwrap_or(0));
                (found.maxval, found.thresholds, found.reset) = (maxval, [a, b, c], reset);
            }
            (0xda, &[1, _, _, near, 0, 0]) => {
                found.near = i32::from(near);
                return found.completed().map(|parameters| (parameters, rest));
            }
            (0xf7 | 0xf8 | 0xda | 0xdd, _) => return Err("it has components, tables or restarts that are not read"),
            _ => {}
        }
    }
}

impl Parameters {
    /// Sets the defaults of parameters that were left out (C.2.4.1.1), and checks that all are within their ranges.
    fn completed(mut self) -> Decoded<Self> {
        if !(2..=16).contains(&self.bits) || self.rows == 0 || self.columns == 0 {
            return Err("it has no size, or samples of less than 2 or more than 16 bits");
        }
        let most = (1 << self.bits) - 1;
        self.maxval = if self.maxval == 0 { most } else { self.maxval };
        self.reset = if self.reset == 0 { 64 } else { self.reset };
        let (maxval, near) = (self.maxval, self.near);
        let basic = basic_thresholds(maxval);
        let mut least = near + 1;
        for k in 0..3 {
            let lowest = if maxval >= 128 { 0 } else { k as i32 + 2 };
            let usual = (basic[k] + [3, 5, 7][k] * near).max(lowest);
            let usual = if usual > maxval || usual < least { least } else { usual };
            self.thresholds[k] = if self.thresholds[k] == 0 { usual } else { self.thresholds[k] };
            if !(least..=maxval.max(least)).contains(&self.thresholds[k]) {
                return Err("its thresholds are out of range");
            }
            least = self.thresholds[k];
        }
        let possible = maxval <= most && near <= (maxval / 2).min(255) && self.reset >= 3;
        if possible { Ok(self) } else { Err("its parameters are out of range") }
    }
}

/// The default thresholds of lossless coding (C.2.4.1.1.1).
fn basic_thresholds(maxval: i32) -> [i32; 3] {
    if maxval >= 128 {
        let factor = (maxval.min(4095) + 128) >> 8;
        [factor + 2, factor * 4 + 3, factor * 17 + 4]
    } else {
        let factor = 256 / (maxval + 1);
        [3 / factor, 7 / factor, 21 / factor]
    }
}

/// Reader of the bits of a scan. After a byte FF, a bit 0 is stuffed; a bit 1 there begins a marker (A.1).
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    stuffed: bool,
    cache: u64,
    left: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.left <= 48 {
            let Some(&byte) = self.bytes.as_slice().first() else { return };
            if self.stuffed && byte > 0x7f {
                return;
            }
            self.bytes.next();
            let count = if self.stuffed { 7 } else { 8 };
            self.cache = self.cache << count | u64::from(byte);
            self.left += count;
            self.stuffed = byte == 0xff;
        }
    }

    /// The next `count` bits, at most 32.
    fn take(&mut self, count: u32) -> Decoded<i32> {
        if self.left < count {
            self.fill();
        }
        self.left = self.left.checked_sub(count).ok_or("it ends early")?;
        Ok((self.cache >> self.left & ((1 << count) - 1)) as i32)
    }

    /// Reads a mapped error in the limited Golomb code (A.5.3).
    fn golomb(&mut self, k: u32, limit: u32, qbpp: u32) -> Decoded<i32> {
        let mapped = self.code(k, limit, qbpp)?;
        // A mapped error has at most one bit more than the range of errors.
        if mapped >> (qbpp + 1) > 0 { Err("one of its prediction errors is out of range") } else { Ok(mapped) }
    }

    fn code(&mut self, k: u32, limit: u32, qbpp: u32) -> Decoded<i32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > limit {
                return Err("one of its codes is too long");
            }
        }
        if zeros < limit.saturating_sub(qbpp + 1) {
            return Ok((zeros as i32) << k | self.take(k)?);
        }
        self.take(qbpp).map(|value| value + 1)
    }
}

/// Statistics of a context: A, B, C, N; B of an interrupted run is Nn.
#[derive(Clone, Copy)]
struct Context {
    a: i64,
    b: i32,
    c: i32,
    n: i32,
}

impl Context {
    /// The parameter of the Golomb code.
    fn k(&self, a: i64) -> Decoded<u32> {
        (0..20).find(|k| i64::from(self.n) << k >= a).ok_or("its prediction errors exceed the allowed range")
    }

    /// Counts a sample; at `reset` samples the statistics are halved first (A.6.1).
    fn count(&mut self, reset: i32) {
        if self.n == reset {
            (self.a, self.b, self.n) = (self.a >> 1, self.b >> 1, self.n >> 1);
        }
        self.n += 1;
    }

    /// Updates the correction of the bias (A.6.2).
    fn bias(&mut self) {
        if self.b <= -self.n {
            self.c = (self.c - 1).max(-128);
            self.b = (self.b + self.n).max(1 - self.n);
        } else if self.b > 0 {
            self.c = (self.c + 1).min(127);
            self.b = (self.b - self.n).min(0);
        }
    }
}

/// The state of a scan between samples.
struct Scan<'a> {
    parameters: Parameters,
    bits: Bits<'a>,
    contexts: Vec<Context>,
    run: usize,
    range: i32,
    qbpp: u32,
    limit: u32,
}

impl<'a> Scan<'a> {
    fn new(parameters: Parameters, data: &'a [u8]) -> Self {
        let Parameters { maxval, near, .. } = parameters;
        let range = (maxval + 2 * near) / (2 * near + 1) + 1;
        let width = |n: i32| i32::BITS - (n - 1).max(0).leading_zeros();
        let bpp = width(maxval + 1).max(2);
        Self {
            parameters,
            bits: Bits { bytes: data.iter(), stuffed: false, cache: 0, left: 0 },
            contexts: vec![Context { a: i64::from((range + 32) / 64).max(2), b: 0, c: 0, n: 1 }; REGULAR + 2],
            run: 0,
            range,
            qbpp: width(range),
            limit: 2 * (bpp + bpp.max(8)),
        }
    }

    /// Decodes a line, given the line above it; both have a margin of one sample.
    fn line(&mut self, above: &[i32], line: &mut [i32]) -> Decoded<()> {
        let columns = self.parameters.columns;
        let mut x = 1;
        while x <= columns {
            let (ra, rb, rc, rd) = (line[x - 1], above[x], above[x - 1], above[x + 1]);
            let gradients = [rd - rb, rb - rc, rc - ra];
            if gradients.iter().any(|d| d.abs() > self.parameters.near) {
                line[x] = self.regular(gradients, [ra, rb, rc])?;
            } else {
                let end = x + self.run_length(columns + 1 - x)?;
                line[x..end].fill(ra);
                x = end;
                if x > columns {
                    break;
                }
                line[x] = self.interruption(ra, above[x])?;
            }
            x += 1;
        }
        Ok(())
    }

    /// Decodes a sample in regular mode (A.3 to A.6).
    fn regular(&mut self, gradients: [i32; 3], [ra, rb, rc]: [i32; 3]) -> Decoded<i32> {
        let [a, b, c] = gradients.map(|d| self.quantized(d));
        let index = (a * 9 + b) * 9 + c;
        let sign = index.signum();
        let Parameters { maxval, near, reset, .. } = self.parameters;
        let context = &mut self.contexts[index.unsigned_abs() as usize];
        let predicted = if rc >= ra.max(rb) {
            ra.min(rb)
        } else if rc <= ra.min(rb) {
            ra.max(rb)
        } else {
            ra + rb - rc
        };
        let predicted = (predicted + sign * context.c).clamp(0, maxval);
        let k = context.k(context.a)?;
        let mapped = self.bits.golomb(k, self.limit, self.qbpp)?;
        let turned = near == 0 && k == 0 && 2 * context.b <= -context.n;
        let error = if (mapped & 1 == 1) == turned { mapped >> 1 } else { -(mapped >> 1) - 1 };
        context.a += i64::from(error.abs());
        context.b += error * (2 * near + 1);
        context.count(reset);
        context.bias();
        Ok(self.restored(predicted, sign * error))
    }

    /// Quantizes a gradient to its region, -4 to 4 (A.3.3).
    fn quantized(&self, d: i32) -> i32 {
        let [t1, t2, t3] = self.parameters.thresholds;
        let above = [self.parameters.near + 1, t1, t2, t3].iter().filter(|&&t| d.abs() >= t).count();
        above as i32 * d.signum()
    }

    /// Number of samples up to the end of a run (A.7.1.2), at most those left on the line.
    fn run_length(&mut self, left: usize) -> Decoded<usize> {
        let mut length = 0;
        while self.bits.take(1)? == 1 {
            let whole = 1 << J[self.run];
            let part = whole.min(left - length);
            length += part;
            if part == whole {
                self.run = (self.run + 1).min(31);
            }
            if length == left {
                return Ok(length);
            }
        }
        length += self.bits.take(J[self.run])? as usize;
        if length < left { Ok(length) } else { Err("one of its runs leaves the line") }
    }

    /// Decodes the sample that ends a run (A.7.2).
    fn interruption(&mut self, ra: i32, rb: i32) -> Decoded<i32> {
        let Parameters { near, reset, .. } = self.parameters;
        let alike = i32::from((ra - rb).abs() <= near);
        let context = &mut self.contexts[REGULAR + alike as usize];
        let k = context.k(context.a + if alike == 1 { i64::from(context.n >> 1) } else { 0 })?;
        let mapped = self.bits.golomb(k, self.limit - J[self.run] - 1, self.qbpp)?;
        let odd = (mapped + alike) & 1;
        let size = (mapped + alike + odd) >> 1;
        let negative = (k != 0 || 2 * context.b >= context.n) == (odd == 1);
        let error = if negative { -size } else { size };
        context.b += i32::from(error < 0);
        context.a += i64::from((mapped + 1 - alike) >> 1);
        context.count(reset);
        self.run = self.run.saturating_sub(1);
        let (predicted, sign) = if alike == 1 { (ra, 1) } else { (rb, if ra > rb { -1 } else { 1 }) };
        Ok(self.restored(predicted, sign * error))
    }

    /// Reconstructs a sample from its prediction and the error (A.4.5).
    fn restored(&self, predicted: i32, error: i32) -> i32 {
        let Parameters { maxval, near, .. } = self.parameters;
        let step = 2 * near + 1;
        let value = predicted + error * step;
        let value = if value < -near {
            value + self.range * step
        } else if value > maxval + near {
            value - self.range * step
        } else {
            value
        };
        value.clamp(0, maxval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The image of 4 x 4 samples of 8 bits of the standard's example (T.87 annex H.3).
    const EXAMPLE: [u8; 53] = [
        0xff, 0xd8, 0xff, 0xf7, 0, 11, 8, 0, 4, 0, 4, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0xc0, 0, 0,
        0x6c, 0x80, 0x20, 0x8e, 0x01, 0xc0, 0, 0, 0x57, 0x40, 0, 0, 0x6e, 0xe6, 0, 0, 0x01, 0xbc, 0x18, 0, 0, 0x05,
        0xd8, 0, 0,
    ];

    #[test]
    fn the_example_of_the_standard_is_decoded() {
        let mut bytes = EXAMPLE.to_vec();
        bytes.extend([0x91, 0x60, 0xff, 0xd9]);
        let expected = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];
        assert_eq!(decode(&bytes), Ok(expected.to_vec()));
        assert!((0..EXAMPLE.len()).all(|n| decode(&bytes[..n]).is_err()));
    }
}
