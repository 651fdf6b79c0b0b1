//! Nesterov's momentum: z = x⁺ + (t − 1)/t⁺ (x⁺ − x), t⁺ = (1 + √(1 + 4t²))/2 (A. Beck, M. Teboulle, SIAM J. Imaging
//! Sci. 2, 2009), restarted when it points in an ascent direction (gradient-based restart of B. O'Donoghue, E. Candès,
//! Found. Comput. Math. 15, 2015).

use super::vectors;
use tch::{TchError, Tensor};

/// The iterate x with the momentum parameter t.
pub(in crate::algorithms) struct Momentum {
    /// The latest iterate x.
    pub(in crate::algorithms) x: Tensor,
    t: f64,
    restart: bool,
}

impl Momentum {
    pub(in crate::algorithms) fn new(x: Tensor, restart: bool) -> Self {
        Self { x, t: 1.0, restart }
    }

    /// Accepts the iterate `next` that was computed from the extrapolated point `ahead` (z), and overwrites `ahead`
    /// with the next such point; returns β = (t − 1)/t⁺.
    pub(in crate::algorithms) fn advance(&mut self, next: Tensor, ahead: &mut Tensor) -> Result<f64, TchError> {
        let moved = next.f_sub(&self.x)?;
        if self.restart {
            // If ⟨z − x⁺, x⁺ − x⟩ > 0, the gradient step points against the momentum.
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
