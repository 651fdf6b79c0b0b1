//! Limits libtorch to one thread while operations on small tensors alternate with the projector.
//!
//! libgomp's threads spin for a while after each operation, on the same cores that the projector's threads use next. On
//! two cores this multiplied the processor time of a 256 x 256 SIRT by seven. For large tensors several threads are
//! worth it.

/// Number of elements from which libtorch uses all its threads.
const LARGE: usize = 1 << 20;

/// Restores libtorch's number of threads when dropped.
#[derive(Debug)]
pub struct ThreadScope(Option<i32>);

impl ThreadScope {
    /// Limits libtorch to one thread if no tensor has more than `elements` elements and that is below 2²⁰.
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
