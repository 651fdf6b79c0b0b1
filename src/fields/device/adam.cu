// Adam's step on all parameters in one launch: the twin of optimizers/fused.rs.

struct Parameters {
    // Where values, first and second moments and gradients lie, and the number at which this tensor begins.
    float *value, *first, *second, *gradient;
    Whole start;
    // On the rate.
    double factor;
};

// One thread per number of all tensors. Their table has `count` entries, in order; `decay` is rate x weight decay.
extern "C" __global__ void adam_step(const Parameters* table, const Whole count, const Whole numbers, const float left,
                                     const float keep, const double rate, const float correction, const float epsilon,
                                     const double decay) {
    const Whole number = THREAD;
    if (number >= numbers) {
        return;
    }
    Whole low = 0, high = count;
    while (high - low > 1) {
        const Whole middle = (low + high) / 2;
        if (table[middle].start <= number) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const Parameters* tensor = &table[low];
    const Whole i = number - tensor->start;
    const float g = tensor->gradient[i];
    const float m = tensor->first[i] + left * (g - tensor->first[i]);
    const float v = keep * tensor->second[i] + (1.0f - keep) * (g * g);
    tensor->first[i] = m;
    tensor->second[i] = v;
    const float value = tensor->value[i] * (float)(1.0 - tensor->factor * decay);
    tensor->value[i] = value - (float)(tensor->factor * rate) * m / (sqrtf(v) * correction + epsilon);
    tensor->gradient[i] = 0.0f;
}
EXPORT(adam_step)
