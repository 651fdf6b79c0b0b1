// A scan of a grid as the kernels see it: the twin of kernels/rays.rs (ViewRays) and kernels/pixels.rs (PixelMap).
// Index coordinates are [z, y, x], voxel centres at whole numbers.

struct Scan {
    Whole shape[3];
    double spacing[3];
    Whole views, rows, columns;
    // One slice seen by one row: rays stay in the slice.
    Whole flat;
};

struct View {
    // The rays: source (of a point source), arm to the detector's centre or direction, its part along the axis of a
    // cylinder, the detector's centre, one column and one row further.
    double source[3], arm[3], lift[3], center[3], u[3], v[3];
    // 1 for a point source; angle between columns of a cylinder (0: flat) and the arm's length over the pitch.
    double point, angle, ratio;
    double middle_row, middle_column;
    // The pixel under a voxel: affine functions [per z, per y, per x, constant].
    double depth[4], across[4], along[4];
    // Columns per radian of a cylinder, 0 for a flat detector; where the middle lies; depth of the isocentre.
    double per_radian, row, column, isocenter;
    // Which axes can be the main axis of a ray: the sum of 1, 2 and 4 for z, y and x.
    double axes;
};

static __device__ inline double affine(const double* f, double z, double y, double x) {
    return f[0] * z + f[1] * y + f[2] * x + f[3];
}
