// The activation of a sine layer, sin(omega (z + b)), and its derivative: the GPU counterpart of kernels/pointwise.rs
// (Sine) and kernels/neurons.rs, with the same range reduction and polynomials. The matrix products between layers are
// libtorch's. Phases are f32 whatever the precision of the products.

typedef unsigned short Half;

static __device__ inline float widened(Half bits) { return of_bits((unsigned)bits << 16); }

// Rounds to the nearest bfloat16, ties to even.
static __device__ inline Half narrowed(float value) {
    const unsigned bits = bits_of(value);
    return (Half)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static __device__ inline float whole_of(float x) {
    const float magic = 12582912.0f;
    return (x + magic) - magic;
}

static __device__ inline void waves(float x, float* sine, float* cosine) {
    const float k = whole_of(x * 0.31830987f);
    const float r = fmaf(k, -9.676536e-4f, fmaf(k, -3.140625f, x));
    const float half = k * 0.5f;
    const float sign = fmaf(fabsf(half - whole_of(half)), -4.0f, 1.0f);
    const float r2 = r * r;
    float s = 2.5904885e-6f, c = 2.3153932e-5f;
    s = fmaf(s, r2, -1.9800897e-4f);
    c = fmaf(c, r2, -1.3853704e-3f);
    s = fmaf(s, r2, 8.3329e-3f);
    c = fmaf(c, r2, 4.1663583e-2f);
    s = fmaf(s, r2, -0.16666648f);
    c = fmaf(c, r2, -0.49999905f);
    s = fmaf(s, r2, 1.0f);
    c = fmaf(c, r2, 0.99999994f);
    *sine = s * r * sign;
    *cosine = c * sign;
}

// One thread per neuron of a point: replaces z [point, neuron] by sin(omega (z + bias)); if `keep` is set, stores the
// derivative omega cos(..) in `slopes`.
extern "C" __global__ void sine_forward(const Whole numbers, const Whole width, const float omega, const float* bias,
                                        float* z, float* slopes, const Whole keep) {
    const Whole number = THREAD;
    if (number >= numbers) {
        return;
    }
    float sine, cosine;
    waves(omega * (z[number] + bias[number % width]), &sine, &cosine);
    z[number] = sine;
    if (keep) {
        slopes[number] = omega * cosine;
    }
}
EXPORT(sine_forward)

// As sine_forward, with z and slopes stored as bfloat16.
extern "C" __global__ void sine_forward_half(const Whole numbers, const Whole width, const float omega,
                                             const float* bias, Half* z, Half* slopes, const Whole keep) {
    const Whole number = THREAD;
    if (number >= numbers) {
        return;
    }
    float sine, cosine;
    waves(omega * (widened(z[number]) + bias[number % width]), &sine, &cosine);
    z[number] = narrowed(sine);
    if (keep) {
        slopes[number] = narrowed(omega * cosine);
    }
}
EXPORT(sine_forward_half)

// One thread per neuron of a point: multiplies the stored derivative by the gradient from above, which gives the
// gradient with respect to the neuron's sum.
extern "C" __global__ void sine_backward(const Whole numbers, const float* above, float* slopes) {
    const Whole number = THREAD;
    if (number < numbers) {
        slopes[number] *= above[number];
    }
}
EXPORT(sine_backward)

// As sine_backward, with the values stored as bfloat16.
extern "C" __global__ void sine_backward_half(const Whole numbers, const Half* above, Half* slopes) {
    const Whole number = THREAD;
    if (number < numbers) {
        slopes[number] = narrowed(widened(slopes[number]) * widened(above[number]));
    }
}
EXPORT(sine_backward_half)
