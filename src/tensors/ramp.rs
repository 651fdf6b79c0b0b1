//! The ramp filter along detector rows, on tensors of any kind and device: symmetric and positive, so that it may
//! precondition an iteration. The filter of the filtered backprojections, with its windows, is a kernel of
//! [`crate::operators::xray::kernels::filter`].

use tch::{Device, Kind, TchError, Tensor};

/// |frequency| of each coefficient of the spectrum of `points` samples, relative to the highest one (1), and at least
/// `floor`: `[points / 2 + 1]`.
///
/// # Errors
/// Memory.
pub fn ramp(points: usize, floor: f64, options: (Kind, Device)) -> Result<Tensor, TchError> {
    Tensor::f_fft_rfftfreq(points as i64, 1.0, options)?.f_mul_scalar(2.0)?.f_clamp_min(floor)
}

/// The rows of `projections` `[view, row, column]`, filled up with zeros to `points` samples, with their spectra
/// multiplied by `response` `[points / 2 + 1]`: a circular convolution over `points` samples. Symmetric: ⟨F a, b⟩ =
/// ⟨a, F b⟩.
///
/// # Errors
/// Memory; a response of another length.
pub fn filter_rows(projections: &Tensor, points: usize, response: &Tensor) -> Result<Tensor, TchError> {
    let (columns, points) = (projections.size()[2], points as i64);
    let spectrum = projections.f_fft_rfft(points, -1, "backward")?.f_mul(response)?;
    spectrum.f_fft_irfft(points, -1, "backward")?.f_narrow(2, 0, columns)?.f_contiguous()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn it_is_symmetric_and_positive_with_and_without_zeros_behind_the_rows() {
        let random = |seed| {
            let mut stream = crate::random::stream(seed, "test", 0);
            let values: Vec<f64> = (0..2 * 3 * 10).map(|_| stream.random_range(-1.0..1.0)).collect();
            Tensor::from_slice(&values).view([2, 3, 10])
        };
        let inner = |a: &Tensor, b: &Tensor| (a * b).sum(Kind::Double).double_value(&[]);
        let (a, b) = (random(0), random(1));
        for points in [10, 32] {
            let response = ramp(points, 0.01, (Kind::Double, Device::Cpu)).unwrap();
            assert!((response.max().double_value(&[]) - 1.0).abs() < 1e-15);
            let filtered = |t: &Tensor| filter_rows(t, points, &response).unwrap();
            assert!((inner(&filtered(&a), &b) - inner(&a, &filtered(&b))).abs() < 1e-12);
            assert!(inner(&filtered(&a), &a) > 0.0);
        }
    }

    #[test]
    fn a_wave_is_multiplied_by_its_frequency() {
        let wave: Vec<f64> = (0..16).map(|i| (std::f64::consts::TAU * 3.0 * f64::from(i) / 16.0).cos()).collect();
        let wave = Tensor::from_slice(&wave).view([1, 1, 16]);
        let filtered = filter_rows(&wave, 16, &ramp(16, 0.01, (Kind::Double, Device::Cpu)).unwrap()).unwrap();
        assert!((filtered - wave * (3.0 / 8.0)).abs().max().double_value(&[]) < 1e-12);
    }
}
