//! One thread for libtorch while small tensors alternate with the projector.
//!
//! libgomp's threads spin for a while after each operation, on the very cores the projector's threads want next. On two
//! cores a 256 x 256 SIRT took seven times the processor time for it. Large tensors are worth their threads.

/// Elements from which libtorch's threads are worth having.
const LARGE: usize = 1 << 20;

/// Restores libtorch's number of threads when dropped.
#[derive(Debug)]
pub struct ThreadScope(Option<i32>);

impl ThreadScope {
    /// Takes all but one thread from libtorch if no tensor has more than `elements` elements and that is few.
    #[must_use]
    pub fn for_tensors_of(elements: usize) -> Self {
        let before = tch::get_num_threads();
        if elements >= LARGE || before <= 1 {
            return Self(None);
        }
        tch::set_num_threads(1);
        Self(Some(before))
    }
}

impl Drop for ThreadScope {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            tch::set_num_threads(before);
        }
    }
}
