// One step of Adam on all parameters in one launch: the GPU counterpart of optimizers/fused.rs.

struct Parameters {
    // Addresses of values, moments and gradient; `start` is the number of the tensor's first value among all
    // parameters.
    float *value, *first, *second, *gradient;
    Whole start;
    // Factor on the learning rate.
    double factor;
};

// One thread per value of all tensors. The table of tensors has `count` entries, in ascending order of `start`; `left`
// is 1 - beta1, `keep` is beta2, and `decay` is the learning rate times the weight decay.
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
