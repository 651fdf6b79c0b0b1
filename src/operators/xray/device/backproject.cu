// Voxel-driven backprojection of filtered projections: the GPU counterpart of kernels/backproject.rs, one voxel per
// thread.

// 1 / x in double precision, from a division in single precision and two Newton steps.
static __device__ inline double inverse_of(double x) {
    double guess = (double)(1.0f / (float)x);
    guess = guess * (2.0 - x * guess);
    return guess * (2.0 - x * guess);
}

// Bilinear interpolation between pixels, towards zero outside the outermost ones.
static __device__ inline float interpolated(const float* values, Whole rows, Whole columns, double row, double column) {
    if (!(row > -1.0 && row < (double)rows && column > -1.0 && column < (double)columns)) {
        return 0.0f;
    }
    const double above = floor(row), left = floor(column);
    const Whole i = (Whole)above, j = (Whole)left;
    const float f = (float)(row - above), g = (float)(column - left);
    const float a = i < 0 ? 0.0f : 1.0f - f, b = i + 1 < rows ? f : 0.0f;
    const float c = j < 0 ? 0.0f : 1.0f - g, d = j + 1 < columns ? g : 0.0f;
    const float* top = values + most(i, 0) * columns;
    const float* bottom = values + least(i + 1, rows - 1) * columns;
    const Whole near = most(j, 0), far = least(j + 1, columns - 1);
    return a * (c * top[near] + d * top[far]) + b * (c * bottom[near] + d * bottom[far]);
}

// One thread per voxel: sums filtered projections [view, row, column] weighted by (depth of the isocentre / depth)^2.
extern "C" __global__ void backproject(const View* views, const Scan scan, const float* filtered, float* volume) {
    const Whole number = THREAD, slice = scan.shape[1] * scan.shape[2], pixels = scan.rows * scan.columns;
    if (number >= scan.shape[0] * slice) {
        return;
    }
    const double z = (double)(number / slice), y = (double)(number / scan.shape[2] % scan.shape[1]);
    const double x = (double)(number % scan.shape[2]);
    float sum = 0.0f;
    for (Whole k = 0; k < scan.views; ++k) {
        const View* view = &views[k];
        double depth = affine(view->depth, z, y, x);
        if (depth <= 0.0) {
            continue;
        }
        const double across = affine(view->across, z, y, x), along = affine(view->along, z, y, x);
        double inverse = inverse_of(depth), column = across * inverse;
        if (view->per_radian != 0.0) {
            column = atan(column) * view->per_radian;
            depth = sqrt(depth * depth + across * across);
            inverse = inverse_of(depth);
        }
        const double row = scan.flat ? 0.0 : along * inverse + view->row;
        const double weight = view->isocenter * inverse;
        sum += (float)(weight * weight)
            * interpolated(filtered + k * pixels, scan.rows, scan.columns, row, column + view->column);
    }
    volume[number] = sum;
}
EXPORT(backproject)
