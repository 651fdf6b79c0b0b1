//! Activation functions of hidden neurons, and the initial weights of the layers before them. A family: one file and
//! one line here per activation. Table of the formulas: docs/fields.md.

pub mod finer;
pub mod gabor;
pub mod gaussian;
pub mod gelu;
pub mod leaky_relu;
pub mod relu;
pub mod sine;
pub mod softplus;
pub mod tanh;

use super::kernels::pointwise::Pointwise;
use crate::error::Result;
use tch::{TchError, Tensor};

/// Position of a layer in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerPosition {
    /// The first layer: its inputs are the encoded point.
    First,
    /// A layer whose inputs are hidden neurons.
    Hidden,
    /// The linear output layer.
    Last,
}

/// Bounds of a layer's initial values: weights from U(−weight, weight), biases from U(−bias, bias).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Bound of the weights.
    pub weight: f64,
    /// Bound of the biases; 0 sets them to 0.
    pub bias: f64,
}

/// Configuration of an activation function.
pub trait Activation: std::fmt::Debug + Send + Sync {
    /// Refuses an invalid configuration, naming the key.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`].
    fn check(&self) -> Result<()>;
    /// φ(z), elementwise.
    ///
    /// # Errors
    /// When memory runs out.
    fn apply(&self, z: &Tensor) -> std::result::Result<Tensor, TchError>;
    /// Bounds of the initial weights and biases of a layer with `inputs` inputs.
    fn bounds(&self, place: LayerPosition, inputs: usize) -> Bounds;
    /// φ as a function that the hand-written kernels implement; `None` if they do not.
    fn pointwise(&self) -> Option<Pointwise> {
        None
    }
}

crate::kinds! {
    /// The activation functions of hidden neurons.
    pub enum ActivationKind: "activation" => dyn Activation {
        /// Rectified linear unit (ReLU): max(0, z).
        relu => Relu(relu::Config),
        /// ReLU with a small slope for negative sums.
        leaky_relu => LeakyRelu(leaky_relu::Config),
        /// Hyperbolic tangent.
        tanh => Tanh(tanh::Config),
        /// Gaussian error linear unit, a smooth ReLU.
        gelu => Gelu(gelu::Config),
        /// Smooth ReLU: ln(1 + eᶻ).
        softplus => Softplus(softplus::Config),
        /// Sine of the scaled sum (SIREN).
        sine => Sine(sine::Config),
        /// Gaussian of the sum.
        gaussian => Gaussian(gaussian::Config),
        /// Cosine with a Gaussian envelope (WIRE).
        gabor => Gabor(gabor::Config),
        /// Sine whose frequency increases with the sum (FINER).
        finer => Finer(finer::Config),
    }
}

/// Weights U(±√(6 / ((1 + slope²) inputs))), which keep the mean square constant through (leaky) rectifiers: He et al.,
/// "Delving Deep into Rectifiers", ICCV 2015, eq. 10 and 15. Biases U(±1/√inputs), so that the kinks of the neurons do
/// not all meet in the origin. The weights of the last layer have the bound of the biases.
fn rectifier(slope: f64, place: LayerPosition, inputs: usize) -> Bounds {
    let plain = 1.0 / (inputs as f64).sqrt();
    let weight =
        if place == LayerPosition::Last { plain } else { (6.0 / ((1.0 + slope * slope) * inputs as f64)).sqrt() };
    Bounds { weight, bias: plain }
}

/// Weights and biases U(±1/√inputs): LeCun et al., "Efficient BackProp", 1998, and the default of PyTorch's
/// `nn.Linear`.
fn plain(inputs: usize) -> Bounds {
    let bound = 1.0 / (inputs as f64).sqrt();
    Bounds { weight: bound, bias: bound }
}

/// As in SIREN: the first layer U(±1/inputs), the others U(±√(6/inputs)/ω), biases with the bound of their layer's
/// weights.
fn periodic(omega: f64, place: LayerPosition, inputs: usize) -> Bounds {
    let bound = if place == LayerPosition::First { 1.0 / inputs as f64 } else { (6.0 / inputs as f64).sqrt() / omega };
    Bounds { weight: bound, bias: bound }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Kinds, OneOf};

    #[test]
    fn configurations_read_back_and_unknown_keys_are_located() {
        for name in ActivationKind::NAMES {
            let kind = OneOf::<ActivationKind>::from(ActivationKind::default_of(name).unwrap());
            kind.kind.as_part().check().unwrap();
            let text = serde_yaml::to_string(&kind).unwrap();
            assert_eq!(serde_yaml::from_str::<OneOf<ActivationKind>>(&text).unwrap(), kind);
            let problem = serde_yaml::from_str::<OneOf<ActivationKind>>(&format!("{name}:\n  nonsense: 1\n"))
                .unwrap_err()
                .to_string();
            assert!(problem.contains("nonsense") && problem.contains("line 2"), "{problem}");
        }
    }

    #[test]
    fn activations_are_their_formulas() {
        // (YAML, z, φ(z)): computed with Python's math module from the formulas in the module docs.
        let cases = [
            ("relu", -0.7, 0.0),
            ("relu", 0.7, 0.7),
            ("leaky_relu: {slope: 0.1}", -0.7, -0.07),
            ("tanh", 0.7, 0.604_367_777_117_163_6),
            ("gelu", 0.7, 0.530_625_443_443_848_9),
            ("softplus", 0.7, 1.103_186_048_885_458),
            ("sine: {omega: 30}", 0.7, 0.836_655_638_536_056),
            ("gaussian: {sigma: 0.5}", 0.7, 0.375_311_098_851_399_57),
            ("gabor: {omega: 20, scale: 2}", 0.7, 0.019_260_588_637_891_807),
            ("finer: {omega: 30}", -0.7, 0.909_666_671_833_525_2),
        ];
        for (text, z, expected) in cases {
            let kind: OneOf<ActivationKind> = serde_yaml::from_str(text).unwrap();
            let found = kind.kind.as_part().apply(&Tensor::from_slice(&[z])).unwrap().double_value(&[0]);
            assert!((found - expected).abs() < 1e-12, "{text} at {z}: {found}, expected {expected}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_key() {
        for text in [
            "sine: {omega: 0}",
            "gaussian: {sigma: -1}",
            "gabor: {scale: 0}",
            "finer: {bias: -1}",
            "leaky_relu: {slope: 1.5}",
        ] {
            let kind: OneOf<ActivationKind> = serde_yaml::from_str(text).unwrap();
            let problem = kind.kind.named(kind.kind.as_part().check()).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("{}.", kind.kind.name())), "{problem}");
        }
    }
}
