//! Random damage by seed: the same seed gives the same damage on any machine.

/// Texts that replace numbers in text headers.
const WORDS: [&[u8]; 12] = [
    b"0",
    b"-1",
    b"1",
    b"nan",
    b"inf",
    b"1e308",
    b"-1e-308",
    b"99999999999999999999",
    b"2147483648",
    b"65536",
    b"3.5",
    b"",
];
/// Patterns that overwrite binary fields, little-endian.
const PATTERNS: [u64; 10] =
    [0, 1, u64::MAX, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, i64::MAX as u64, 0x7fc0_0000, 0x7f80_0000];

/// A generator of random damage.
pub(crate) struct Mutator(u64);

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Returns the next random number (SplitMix64, Steele and others 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Returns a random position, in three of four cases within the first 768 bytes, where headers are.
    fn place(&mut self, length: usize) -> usize {
        let near = self.below(4) > 0;
        self.below(if near { length.min(768) } else { length })
    }

    /// Returns a copy of `whole` with one to four random changes.
    pub(crate) fn damage(&mut self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        for _ in 0..=self.below(4) {
            if !bytes.is_empty() {
                self.once(&mut bytes);
            }
        }
        bytes
    }

    fn once(&mut self, bytes: &mut Vec<u8>) {
        let place = self.place(bytes.len());
        let length = (1 + self.below(16)).min(bytes.len() - place);
        match self.below(9) {
            0 => bytes[place] ^= 1 << self.below(8),
            1 => bytes[place] = self.next() as u8,
            2 => {
                let pattern = PATTERNS[self.below(PATTERNS.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.below(4)].min(bytes.len() - place);
                bytes[place..place + width].copy_from_slice(&pattern[..width]);
            }
            3 => drop(bytes.drain(place..place + length)),
            4 => {
                let part = bytes[place..place + length].to_vec();
                let at = self.place(bytes.len());
                drop(bytes.splice(at..at, part));
            }
            5 => bytes.truncate(place),
            6 => {
                let part: Vec<u8> = (0..length).map(|_| self.next() as u8).collect();
                drop(bytes.splice(place..place, part));
            }
            7 => {
                let other = self.place(bytes.len());
                bytes.swap(place, other);
            }
            _ => self.number(bytes, place),
        }
    }

    /// Replaces the next number that is written in digits by one of [`WORDS`].
    fn number(&mut self, bytes: &mut Vec<u8>, place: usize) {
        let Some(first) = bytes[place..].iter().position(u8::is_ascii_digit).map(|at| place + at) else { return };
        let length = bytes[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let word = WORDS[self.below(WORDS.len())];
        drop(bytes.splice(first..first + length, word.iter().copied()));
    }
}
