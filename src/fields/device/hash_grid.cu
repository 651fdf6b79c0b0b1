// Interpolation of features from grids, and the gradient with respect to their table: the GPU counterpart of
// kernels/levels.rs.
//
// The gradient is summed in fixed point by integer additions, whose result does not depend on their order: every run
// gives the same bits. The integer 1 stands for 1 / scale with scale = 2^62 / (points x corners x largest slope), so
// that no sum can overflow; each addend is rounded by at most 2^-63 of the largest possible sum.

struct Level {
    // `count` is the number of coordinates that the grid spans (2 or 3); `nodes` is the number of nodes along each.
    Whole count, axes[3], nodes[3];
    Whole first, rows, hashed;
    double scale;
};

struct Cell {
    unsigned rows[8];
    float weights[8];
};

// The table rows and weights of the corners of the cell that contains a point.
static __device__ inline Cell cell_of(const Level* level, const float* point) {
    const unsigned primes[3] = {1u, 2654435761u, 805459861u};
    unsigned low[3] = {0, 0, 0}, steps[3] = {1, 1, 1};
    float part[3] = {0.0f, 0.0f, 0.0f};
    for (int k = 0; k < level->count; ++k) {
        const float last = (float)(level->nodes[k] - 1);
        const float at = point[level->axes[k]] * (float)level->scale + last * 0.5f;
        const float t = fminf(fmaxf(at, 0.0f), last);
        const float cell = fminf((float)(int)t, fmaxf(last - 1.0f, 0.0f));
        low[k] = (unsigned)(int)cell;
        part[k] = t - cell;
        if (k + 1 < level->count) {
            steps[k + 1] = steps[k] * (unsigned)level->nodes[k];
        }
    }
    Cell cell;
    for (int corner = 0; corner < 1 << level->count; ++corner) {
        unsigned row = 0;
        float weight = 1.0f;
        for (int k = 0; k < level->count; ++k) {
            const unsigned upper = corner >> k & 1;
            const unsigned node = low[k] + (upper < (unsigned)level->nodes[k] ? upper : (unsigned)level->nodes[k] - 1);
            row = level->hashed ? row ^ node * primes[k] : row + node * steps[k];
            weight *= upper ? part[k] : 1.0f - part[k];
        }
        cell.rows[corner] = level->hashed ? row & ((unsigned)level->rows - 1) : row;
        cell.weights[corner] = weight;
    }
    return cell;
}

// One thread per point and level: writes the features [point, level, feature].
extern "C" __global__ void hash_gather(const Level* levels, const Whole count, const Whole inputs, const Whole features,
                                       const Whole points, const float* table, const float* at, float* out) {
    const Whole number = THREAD;
    if (number >= points * count) {
        return;
    }
    const Level* level = &levels[number % count];
    const Cell cell = cell_of(level, at + number / count * inputs);
    for (Whole k = 0; k < features; ++k) {
        float sum = 0.0f;
        for (int corner = 0; corner < 1 << level->count; ++corner) {
            sum += cell.weights[corner] * table[(level->first + cell.rows[corner]) * features + k];
        }
        out[number * features + k] = sum;
    }
}
EXPORT(hash_gather)

// Fixed-point scale: integers per unit of the gradient. `largest` is the largest absolute slope.
static __device__ inline double unit_of(const float* largest, Whole points) {
    return 4611686018427387904.0 / (8.0 * (double)points * fmax((double)*largest, 1e-30));
}

// One thread per point and level: adds the contributions of the slopes [point, level, feature] to `sums`, in fixed
// point.
extern "C" __global__ void hash_scatter(const Level* levels, const Whole count, const Whole inputs,
                                        const Whole features, const Whole points, const float* slopes, const float* at,
                                        const float* largest, Whole* sums) {
    const Whole number = THREAD;
    if (number >= points * count) {
        return;
    }
    const Level* level = &levels[number % count];
    const Cell cell = cell_of(level, at + number / count * inputs);
    const double unit = unit_of(largest, points);
    for (int corner = 0; corner < 1 << level->count; ++corner) {
        for (Whole k = 0; k < features; ++k) {
            const float part = cell.weights[corner] * slopes[number * features + k];
            const Whole row = (level->first + cell.rows[corner]) * features + k;
            add_once((unsigned long long*)&sums[row], (Whole)llrint((double)part * unit));
        }
    }
}
EXPORT(hash_scatter)

// One thread per value of the table: adds the sums to the gradient.
extern "C" __global__ void hash_settle(const Whole numbers, const Whole points, const float* largest, const Whole* sums,
                                       float* gradient) {
    const Whole number = THREAD;
    if (number < numbers) {
        gradient[number] += (float)((double)sums[number] / unit_of(largest, points));
    }
}
EXPORT(hash_settle)
