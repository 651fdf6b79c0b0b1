// The steps of primal-dual total variation, and total variation and its logarithm with their gradients: the GPU
// counterparts of regularizers/kernels.rs, total_variation.rs and log_tv.rs. A volume is [z, y, x]. Forward differences
// are multiplied by `slopes` and zero at the far faces; an axis with slope 0 is left out.
//
// Sums over a volume are in double precision: thread i sums the voxels i, i + threads, .. into its own entry, and the
// caller adds the entries. The order is fixed, so every run gives the same bits.

struct Lattice {
    Whole shape[3];
    // Weights of the differences, stored as double and rounded to float where they are used.
    double slopes[3];
};

static __device__ inline Whole voxels_of(const Lattice& lattice) {
    return lattice.shape[0] * lattice.shape[1] * lattice.shape[2];
}

// The index of a voxel along an axis. `step_of` is the distance in memory to the next voxel along it.
static __device__ inline Whole index_of(const Lattice& lattice, Whole voxel, int axis) {
    const Whole row = lattice.shape[2];
    return axis == 2 ? voxel % row : axis == 1 ? voxel / row % lattice.shape[1] : voxel / (row * lattice.shape[1]);
}

static __device__ inline Whole step_of(const Lattice& lattice, int axis) {
    return axis == 2 ? 1 : axis == 1 ? lattice.shape[2] : lattice.shape[1] * lattice.shape[2];
}

// The forward differences of x at a voxel.
static __device__ inline void differences(const Lattice& lattice, const float* x, Whole voxel, float* out) {
    for (int axis = 0; axis < 3; ++axis) {
        const bool there = index_of(lattice, voxel, axis) + 1 < lattice.shape[axis];
        const float slope = (float)lattice.slopes[axis];
        out[axis] = there && slope != 0.0f ? (x[voxel + step_of(lattice, axis)] - x[voxel]) * slope : 0.0f;
    }
}

// Dual step, one thread per voxel: q <- q + relaxation (p - q), with p = (q + sigma grad(2 ahead - behind)) inverse
// projected onto |p| <= weight.
extern "C" __global__ void variation_dual(const Lattice lattice, const float* ahead, const float* behind, float* qz,
                                          float* qy, float* qx, const float sigma, const float weight,
                                          const float inverse, const float relaxation) {
    const Whole voxel = THREAD;
    if (voxel >= voxels_of(lattice)) {
        return;
    }
    float* q[3] = {qz, qy, qx};
    const float here = 2.0f * ahead[voxel] - behind[voxel];
    float moved[3], square = 0.0f;
    for (int axis = 0; axis < 3; ++axis) {
        const bool there = index_of(lattice, voxel, axis) + 1 < lattice.shape[axis];
        const float slope = (float)lattice.slopes[axis];
        const Whole next = voxel + step_of(lattice, axis);
        const float gradient = there && slope != 0.0f ? (2.0f * ahead[next] - behind[next] - here) * slope : 0.0f;
        moved[axis] = (q[axis][voxel] + sigma * gradient) * inverse;
        square += moved[axis] * moved[axis];
    }
    // The lower bound avoids 0 / 0: with weight 0, q stays 0.
    const float shrink = weight / fmaxf(fmaxf(sqrtf(square), weight), 1e-30f);
    for (int axis = 0; axis < 3; ++axis) {
        q[axis][voxel] += relaxation * (moved[axis] * shrink - q[axis][voxel]);
    }
}
EXPORT(variation_dual)

// Primal step: out = x - tau s with s = scale back + grad^T q, clamped to 0 or above if `positive`. Also sums the
// primal part of the duality gap, x s + bound |s| or, if `positive`, x s + bound max(-s, 0), to sums[thread]. Any
// number of threads.
extern "C" __global__ void variation_primal(const Lattice lattice, const float* back, const float* qz, const float* qy,
                                            const float* qx, const float* x, float* out, const float tau,
                                            const float scale, const Whole positive, const float bound, double* sums) {
    const float* q[3] = {qz, qy, qx};
    double sum = 0.0;
    for (Whole voxel = THREAD; voxel < voxels_of(lattice); voxel += THREADS) {
        float s = back[voxel] * scale;
        for (int axis = 0; axis < 3; ++axis) {
            const float slope = (float)lattice.slopes[axis];
            const Whole index = index_of(lattice, voxel, axis);
            if (slope != 0.0f && index + 1 < lattice.shape[axis]) {
                s -= q[axis][voxel] * slope;
            }
            if (slope != 0.0f && index > 0) {
                s += q[axis][voxel - step_of(lattice, axis)] * slope;
            }
        }
        const float beyond = positive ? fmaxf(-s, 0.0f) : fabsf(s);
        sum += (double)(x[voxel] * s) + (double)bound * (double)beyond;
        const float moved = x[voxel] - tau * s;
        out[voxel] = positive ? fmaxf(moved, 0.0f) : moved;
    }
    sums[THREAD] = sum;
}
EXPORT(variation_primal)

// Sums the penalty weight h(|grad x|), with h the Huber function, to sums[thread], and its part of the duality gap to
// sums[threads + thread].
extern "C" __global__ void variation_value(const Lattice lattice, const float* x, const float* qz, const float* qy,
                                           const float* qx, const double weight, const double delta, double* sums) {
    const float* q[3] = {qz, qy, qx};
    const double quadratic = weight > 0.0 ? delta / (2.0 * weight) : 0.0;
    double total = 0.0, gap = 0.0;
    for (Whole voxel = THREAD; voxel < voxels_of(lattice); voxel += THREADS) {
        float slopes[3];
        differences(lattice, x, voxel, slopes);
        double square = 0.0, dual = 0.0, product = 0.0;
        for (int axis = 0; axis < 3; ++axis) {
            const double g = slopes[axis], r = q[axis][voxel];
            square += g * g;
            dual += r * r;
            product += g * r;
        }
        const double length = sqrt(square);
        const double huber = length <= delta && delta > 0.0 ? length * length / (2.0 * delta) : length - delta / 2.0;
        total += weight * huber;
        gap += weight * huber + quadratic * dual - product;
    }
    sums[THREAD] = total;
    sums[THREADS + THREAD] = gap;
}
EXPORT(variation_value)

// The divisor of grad x in the gradient of the penalty at a voxel, and the penalty itself: total variation sqrt(s^2 +
// square) with s = |grad x|, or epsilon log(1 + (sqrt(s^2 + square) - sqrt(square)) / epsilon) if epsilon is above 0.
static __device__ inline float divisor_of(const float* slopes, float square, float epsilon, float* value) {
    const float length = sqrtf(square + slopes[0] * slopes[0] + slopes[1] * slopes[1] + slopes[2] * slopes[2]);
    if (epsilon <= 0.0f) {
        *value = length;
        return length;
    }
    const float part = (length - sqrtf(square)) / epsilon;
    *value = epsilon * log1pf(part);
    return length * (1.0f + part);
}

// The value of the penalty, to sums[thread], and its gradient, in one pass: each voxel uses its own differences and
// those of the three voxels before it.
extern "C" __global__ void variation_gradient(const Lattice lattice, const float* x, const float square,
                                              const float epsilon, float* gradient, double* sums) {
    double sum = 0.0;
    for (Whole voxel = THREAD; voxel < voxels_of(lattice); voxel += THREADS) {
        float slopes[3], value;
        differences(lattice, x, voxel, slopes);
        const float divisor = divisor_of(slopes, square, epsilon, &value);
        sum += (double)value;
        float total = 0.0f;
        for (int axis = 0; axis < 3; ++axis) {
            const float slope = (float)lattice.slopes[axis];
            total -= slopes[axis] / divisor * slope;
            if (slope != 0.0f && index_of(lattice, voxel, axis) > 0) {
                float before[3], unused;
                differences(lattice, x, voxel - step_of(lattice, axis), before);
                total += before[axis] / divisor_of(before, square, epsilon, &unused) * slope;
            }
        }
        gradient[voxel] = total;
    }
    sums[THREAD] = sum;
}
EXPORT(variation_gradient)
