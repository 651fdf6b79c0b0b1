//! The few operations on 3-vectors that geometry needs, on plain arrays `[x, y, z]`.

/// A point or vector `[x, y, z]`, mm in the world unless said otherwise.
pub type Point = [f64; 3];

/// a + b.
#[must_use]
pub fn add(a: Point, b: Point) -> Point {
    std::array::from_fn(|k| a[k] + b[k])
}

/// a − b.
#[must_use]
pub fn sub(a: Point, b: Point) -> Point {
    std::array::from_fn(|k| a[k] - b[k])
}

/// s a.
#[must_use]
pub fn scale(a: Point, s: f64) -> Point {
    a.map(|v| v * s)
}

/// a · b.
#[must_use]
pub fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a × b.
#[must_use]
pub fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// |a|.
#[must_use]
pub fn norm(a: Point) -> f64 {
    dot(a, a).sqrt()
}

/// a / |a|; not finite for the zero vector.
#[must_use]
pub fn normalized(a: Point) -> Point {
    scale(a, 1.0 / norm(a))
}
