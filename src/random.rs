//! All randomness: independent ChaCha streams keyed by (seed, purpose, index), so that a draw depends neither on the
//! number of threads nor on earlier draws. A checkpoint therefore needs no random state beside the step number.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Random stream for one use: `purpose` names the use, `index` is the number of the step, view or parameter.
#[must_use]
pub fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    let mut key = blake3::Hasher::new_derive_key("recon 2026 random stream");
    key.update(&seed.to_le_bytes()).update(&index.to_le_bytes()).update(purpose.as_bytes());
    ChaCha8Rng::from_seed(*key.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn streams_repeat_and_differ_by_each_part_of_their_key() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        assert_eq!(first(1, "noise", 2), first(1, "noise", 2));
        let all = [first(1, "noise", 2), first(2, "noise", 2), first(1, "rays", 2), first(1, "noise", 3)];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    }
}
