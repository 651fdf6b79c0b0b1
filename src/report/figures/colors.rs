//! The diverging colour map of signed errors: blue below zero, near white at zero, red above. Lightness falls evenly
//! towards both ends, so that the map remains readable in print and with the common colour-vision deficiencies.

/// Colours at t = −1, −½, 0, ½, 1 (sRGB, 0 to 255).
const ANCHORS: [[f64; 3]; 5] =
    [[16.0, 46.0, 122.0], [92.0, 150.0, 210.0], [247.0, 247.0, 245.0], [226.0, 122.0, 88.0], [118.0, 12.0, 34.0]];

/// Colour (sRGB) of `t`, which is clamped to −1 … 1.
pub(crate) fn diverging(t: f64) -> [u8; 3] {
    let place = (t.clamp(-1.0, 1.0) + 1.0) * 2.0;
    let left = (place.floor() as usize).min(3);
    let part = place - left as f64;
    std::array::from_fn(|k| (ANCHORS[left][k] * (1.0 - part) + ANCHORS[left + 1][k] * part).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_light_and_the_arms_differ_in_hue() {
        assert!(diverging(0.0).iter().all(|&c| c > 240));
        let (low, high) = (diverging(-0.8), diverging(0.8));
        assert!(low[2] > low[0] && high[0] > high[2]);
        assert_eq!(diverging(-7.0), diverging(-1.0));
    }

    #[test]
    fn lightness_falls_from_the_middle_to_both_ends() {
        let lightness =
            |t: f64| diverging(t).iter().zip([0.2126, 0.7152, 0.0722]).map(|(&c, w)| f64::from(c) * w).sum::<f64>();
        for i in 0..100 {
            let (near, far) = (f64::from(i) / 100.0, f64::from(i + 1) / 100.0);
            assert!(lightness(far) <= lightness(near) && lightness(-far) <= lightness(-near));
        }
    }
}
