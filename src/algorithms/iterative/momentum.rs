//! Nesterov's momentum: z = x⁺ + (t − 1)/t⁺ (x⁺ − x), t⁺ = (1 + √(1 + 4t²))/2 (A. Beck, M. Teboulle, SIAM J. Imaging
//! Sci. 2, 2009), given up and begun anew where it points uphill (B. O'Donoghue, E. Candès, Found. Comput. Math. 15,
//! 2015, by the gradient).

use super::vectors;
use tch::{TchError, Tensor};

/// The iterate and how fast it goes.
pub(in crate::algorithms) struct Momentum {
    /// The newest iterate.
    pub(in crate::algorithms) x: Tensor,
    t: f64,
    restart: bool,
}

impl Momentum {
    pub(in crate::algorithms) fn new(x: Tensor, restart: bool) -> Self {
        Self { x, t: 1.0, restart }
    }

    /// Takes up the iterate that was found from the point `ahead`, which becomes the next such point; gives β = (t −
    /// 1)/t⁺.
    pub(in crate::algorithms) fn advance(&mut self, next: Tensor, ahead: &mut Tensor) -> Result<f64, TchError> {
        let moved = next.f_sub(&self.x)?;
        if self.restart {
            // ⟨z − x⁺, x⁺ − x⟩ > 0: the gradient step went back.
            let _ = ahead.f_sub_(&next)?;
            if vectors::dot(ahead, &moved)? > 0.0 {
                self.t = 1.0;
            }
        }
        let t = f64::midpoint(1.0, (1.0 + 4.0 * self.t * self.t).sqrt());
        let factor = (self.t - 1.0) / t;
        self.t = t;
        ahead.f_copy_(&next)?;
        vectors::add_scaled(ahead, factor, &moved)?;
        self.x = next;
        Ok(factor)
    }
}
