//! Unique identifiers that are derived from the exported content, so that a repeated export has the same ones.

/// A UID below 2.25 (a UUID written as one decimal number, PS3.5 B.2): a version 8 UUID made from the hash of `parts`.
pub(super) fn uid(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("recon 2026-11 DICOM UID");
    for part in parts {
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_stable_distinct_and_short_enough() {
        let first = uid(&["a", "bc"]);
        assert_eq!(first, uid(&["a", "bc"]));
        assert_ne!(first, uid(&["ab", "c"]));
        assert!(first.len() <= 64 && first.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    }
}
