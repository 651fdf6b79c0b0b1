//! Depth maps as pictures: near is bright, far is dark, background is transparent.

use crate::data::Picture;
use crate::error::Result;

/// A grey picture of distances (mm, `[row, column]`; 0 for background): the nearest is white, the farthest dark grey.
///
/// # Errors
/// A number of distances that is not that of the pixels.
pub fn picture(pixels: [usize; 2], depth: &[f32]) -> Result<Picture> {
    let seen = depth.iter().copied().filter(|&mm| mm > 0.0);
    let (near, far) = seen.fold((f32::INFINITY, 0.0f32), |(near, far), mm| (near.min(mm), far.max(mm)));
    let shade = |&mm: &f32| {
        if mm <= 0.0 {
            return [0.0; 4];
        }
        let grey = if far > near { 1.0 - 0.85 * (mm - near) / (far - near) } else { 1.0 };
        [grey, grey, grey, 1.0]
    };
    Picture::new(pixels, depth.iter().map(shade).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_bright_and_nothing_is_transparent() {
        let shown = picture([2, 2], &[0.0, 100.0, 200.0, 150.0]).unwrap().rgba;
        assert_eq!((shown[0][3], shown[1][0], shown[2][3]), (0.0, 1.0, 1.0));
        assert!((shown[2][0] - 0.15).abs() < 1e-6 && (shown[3][0] - 0.575).abs() < 1e-6);
        assert!(picture([1, 1], &[0.0]).unwrap().rgba[0][3] == 0.0 && picture([1, 2], &[1.0]).is_err());
    }
}
