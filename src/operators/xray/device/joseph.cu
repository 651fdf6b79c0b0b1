// Joseph's line integrals and their exact transpose: the GPU counterpart of kernels/joseph.rs, ray by ray as in
// kernels/single.rs.
//
// joseph_rays computes for each ray of some views its crossings of the planes across its main axis, in fixed point with
// 32 fractional bits, so that forward and adjoint compute a crossing by the same exact integer multiplication and
// addition. joseph_forward sums along a ray. joseph_adjoint finds for a voxel the rays that touch it and adds their
// contributions, view by view: no two threads write the same value, and the result is bit-identical in every run.

struct Ray {
    // Coordinates of the crossing of plane k along the two other axes (ascending): a + b k and c + d k, in units of
    // 2^-32 voxels.
    Whole a, b, c, d;
    // Length of the ray between two planes, mm, and the planes k that it crosses near the grid and beyond its source:
    // first <= k < end.
    float length;
    int axis, first, end;
};

static __device__ inline int first_other(int axis) { return axis == 0 ? 1 : 0; }
static __device__ inline int second_other(int axis) { return axis == 2 ? 1 : 2; }

// Narrows the range low..high to the values k with a + b k > bound.
static __device__ inline void above(double a, double b, double bound, double* low, double* high) {
    const double k = (bound - a) / b;
    if (b > 0.0) {
        *low = fmax(*low, k);
    } else if (b < 0.0) {
        *high = fmin(*high, k);
    } else if (!(a > bound)) {
        *low = 1.0;
        *high = 0.0;
    }
}

static __device__ inline void direction_of(const View* view, double row, double column, double* origin, double* along) {
    const double dv = row - view->middle_row, du = column - view->middle_column;
    const double sine = sin(du * view->angle), cosine = cos(du * view->angle);
    for (int k = 0; k < 3; ++k) {
        if (view->point == 0.0) {
            origin[k] = view->center[k] + dv * view->v[k] + du * view->u[k];
            along[k] = view->arm[k];
        } else if (view->angle == 0.0) {
            origin[k] = view->source[k];
            along[k] = view->arm[k] + dv * view->v[k] + du * view->u[k];
        } else {
            origin[k] = view->source[k];
            along[k] = view->lift[k] + cosine * view->arm[k] + dv * view->v[k] + sine * view->ratio * view->u[k];
        }
    }
}

static __device__ inline int main_axis(const double* along, Whole flat) {
    // Ties, as in views at 45 degrees, must not depend on rounding.
    const double tie = 1.0 + 1e-9;
    const int in_plane = fabs(along[1]) > fabs(along[2]) * tie ? 1 : 2;
    return !flat && fabs(along[0]) > fabs(along[in_plane]) * tie ? 0 : in_plane;
}

// The planes that a ray crosses beyond its source and within one voxel of the grid.
static __device__ inline void planes_of(const Scan& scan, const double* origin, const double* along, bool point,
                                        const double* a, const double* b, Ray* ray) {
    const int axis = ray->axis;
    double low = 0.0, high = (double)scan.shape[axis];
    for (int k = 0; k < 2; ++k) {
        const int other = k == 0 ? first_other(axis) : second_other(axis);
        above(a[k], b[k], -1.0, &low, &high);
        above(-a[k], -b[k], -(double)scan.shape[other], &low, &high);
    }
    double first = fmax(floor(low), 0.0), end = fmin(ceil(high) + 1.0, (double)scan.shape[axis]);
    if (point && along[axis] > 0.0) {
        first = fmax(first, floor(origin[axis]) + 1.0);
    } else if (point) {
        end = fmin(end, ceil(origin[axis]));
    }
    const bool some = first < end;
    ray->first = some ? (int)first : 0;
    ray->end = some ? (int)end : 0;
}

// One thread per ray of the views, [view, row, column].
extern "C" __global__ void joseph_rays(const View* views, const Scan scan, Ray* rays) {
    const Whole number = THREAD, pixels = scan.rows * scan.columns;
    if (number >= scan.views * pixels) {
        return;
    }
    const View* view = &views[number / pixels];
    double origin[3], along[3], a[2], b[2];
    direction_of(view, (double)(number / scan.columns % scan.rows), (double)(number % scan.columns), origin, along);
    Ray ray = {0, 0, 0, 0, 0.0f, main_axis(along, scan.flat), 0, 0};
    const double step = along[ray.axis];
    bool crosses = step != 0.0;
    for (int k = 0; k < 2; ++k) {
        const int other = k == 0 ? first_other(ray.axis) : second_other(ray.axis);
        b[k] = along[other] / step;
        a[k] = origin[other] - origin[ray.axis] * b[k];
        // A ray this far outside the grid (2^30 voxels) crosses none of its voxels.
        crosses = crosses && fabs(a[k]) < 1073741824.0;
    }
    if (crosses) {
        const double unit = 4294967296.0;
        planes_of(scan, origin, along, view->point != 0.0, a, b, &ray);
        ray.a = (Whole)llrint(a[0] * unit);
        ray.b = (Whole)llrint(b[0] * unit);
        ray.c = (Whole)llrint(a[1] * unit);
        ray.d = (Whole)llrint(b[1] * unit);
        double square = 0.0;
        for (int k = 0; k < 3; ++k) {
            const double part = along[k] / step * scan.spacing[k];
            square += part * part;
        }
        ray.length = ray.first < ray.end ? (float)sqrt(square) : 0.0f;
    }
    rays[number] = ray;
}
EXPORT(joseph_rays)

static __device__ inline float fraction_of(Whole place) { return (float)(unsigned)place * 2.3283064365386963e-10f; }

// One thread per ray: line integrals (1/mm x mm) of a volume [z, y, x].
extern "C" __global__ void joseph_forward(const Scan scan, const Ray* rays, const float* volume, float* projections) {
    const Whole number = THREAD;
    if (number >= scan.views * scan.rows * scan.columns) {
        return;
    }
    const Ray ray = rays[number];
    const int p = first_other(ray.axis), q = second_other(ray.axis);
    const Whole strides[3] = {scan.shape[1] * scan.shape[2], scan.shape[2], 1};
    const Whole height = scan.shape[p], width = scan.shape[q], rise = strides[p], run = strides[q];
    float sum = 0.0f;
    for (Whole k = ray.first; k < ray.end; ++k) {
        const Whole down = ray.a + ray.b * k, right = ray.c + ray.d * k;
        const Whole i = down >> 32, j = right >> 32;
        const float f = fraction_of(down), g = fraction_of(right);
        const bool top = i >= 0 && i < height, bottom = i >= -1 && i + 1 < height;
        const bool near = j >= 0 && j < width, far = j >= -1 && j + 1 < width;
        const float* plane = volume + (k * strides[ray.axis] + i * rise + j * run);
        const float v00 = top && near ? plane[0] : 0.0f, v01 = top && far ? plane[run] : 0.0f;
        const float v10 = bottom && near ? plane[rise] : 0.0f, v11 = bottom && far ? plane[rise + run] : 0.0f;
        const float low = fmaf(g, v01 - v00, v00), high = fmaf(g, v11 - v10, v10);
        sum += fmaf(f, high - low, low);
    }
    projections[number] = sum * ray.length;
}
EXPORT(joseph_forward)

// Range of detector rows and columns whose rays can pass within one voxel of (z, y, x) in its plane across an axis.
struct Window {
    Whole top, bottom, left, right;
};

static __device__ inline Window window_of(const View* view, const Scan& scan, int axis, const double* voxel) {
    const double margin = 1e-3;
    double rows[2] = {1e300, -1e300}, columns[2] = {1e300, -1e300};
    double sides[2] = {1e300, 0.0}, alongs[2] = {1e300, -1e300};
    bool before = true;
    for (int corner = 0; corner < 4; ++corner) {
        double at[3] = {voxel[0], voxel[1], voxel[2]};
        const int p = first_other(axis), q = second_other(axis);
        // In 2-D, rays cross the slice at its centre.
        at[p] += scan.flat && p == 0 ? 0.0 : (corner & 1) * 2.0 - 1.0;
        at[q] += (corner >> 1) * 2.0 - 1.0;
        const double depth = affine(view->depth, at[0], at[1], at[2]);
        const double across = affine(view->across, at[0], at[1], at[2]);
        const double along = affine(view->along, at[0], at[1], at[2]);
        before = before && depth > 1e-9;
        const double inverse = 1.0 / depth;
        const double column = view->per_radian == 0.0 ? across * inverse : atan(across * inverse) * view->per_radian;
        columns[0] = fmin(columns[0], column);
        columns[1] = fmax(columns[1], column);
        if (view->per_radian == 0.0) {
            rows[0] = fmin(rows[0], along * inverse);
            rows[1] = fmax(rows[1], along * inverse);
        } else {
            // The row on a cylinder depends on the distance from its axis, which is at least the depth and largest at a
            // corner.
            sides[0] = fmin(sides[0], depth);
            sides[1] = fmax(sides[1], sqrt(depth * depth + across * across));
            alongs[0] = fmin(alongs[0], along);
            alongs[1] = fmax(alongs[1], along);
        }
    }
    if (view->per_radian != 0.0) {
        rows[0] = fmin(alongs[0] / sides[0], alongs[0] / sides[1]);
        rows[1] = fmax(alongs[1] / sides[0], alongs[1] / sides[1]);
    }
    Window window = {0, scan.rows - 1, 0, scan.columns - 1};
    if (before) {
        const double most_columns = (double)scan.columns, most_rows = (double)scan.rows;
        window.left = (Whole)fmin(fmax(ceil(columns[0] + view->column - margin), 0.0), most_columns);
        window.right = (Whole)fmin(fmax(floor(columns[1] + view->column + margin), -1.0), most_columns - 1.0);
        if (!scan.flat) {
            window.top = (Whole)fmin(fmax(ceil(rows[0] + view->row - margin), 0.0), most_rows);
            window.bottom = (Whole)fmin(fmax(floor(rows[1] + view->row + margin), -1.0), most_rows - 1.0);
        }
    }
    return window;
}

// Interpolation weight of a voxel at a crossing: 1 at its centre, 0 one voxel away.
static __device__ inline float share(Whole place, Whole voxel) {
    const Whole beside = place - (voxel << 32);
    const Whole distance = beside < 0 ? -beside : beside;
    return distance >> 32 ? 0.0f : 1.0f - fraction_of(distance);
}

// One thread per voxel: adds the transpose of joseph_forward for some views, or overwrites where `add` is 0.
extern "C" __global__ void joseph_adjoint(const View* views, const Scan scan, const Ray* rays,
                                          const float* projections, float* volume, const Whole add) {
    const Whole number = THREAD, slice = scan.shape[1] * scan.shape[2];
    if (number >= scan.shape[0] * slice) {
        return;
    }
    const Whole at[3] = {number / slice, number / scan.shape[2] % scan.shape[1], number % scan.shape[2]};
    const double voxel[3] = {(double)at[0], (double)at[1], (double)at[2]};
    float total = add ? volume[number] : 0.0f;
    for (Whole number_of_view = 0; number_of_view < scan.views; ++number_of_view) {
        const View* view = &views[number_of_view];
        const int axes = (int)view->axes;
        float sum = 0.0f;
        for (int axis = 0; axis < 3; ++axis) {
            if (!(axes >> axis & 1)) {
                continue;
            }
            const int p = first_other(axis), q = second_other(axis);
            const Window window = window_of(view, scan, axis, voxel);
            for (Whole row = window.top; row <= window.bottom; ++row) {
                for (Whole column = window.left; column <= window.right; ++column) {
                    const Whole index = (number_of_view * scan.rows + row) * scan.columns + column;
                    const Ray ray = rays[index];
                    if (ray.axis != axis || at[axis] < ray.first || at[axis] >= ray.end) {
                        continue;
                    }
                    const float weight =
                        share(ray.a + ray.b * at[axis], at[p]) * share(ray.c + ray.d * at[axis], at[q]);
                    if (weight > 0.0f) {
                        sum = fmaf(weight, projections[index] * ray.length, sum);
                    }
                }
            }
        }
        total += sum;
    }
    volume[number] = total;
}
EXPORT(joseph_adjoint)
