// Parameters of a scan of a grid for the kernels: the counterpart of kernels/rays.rs (ViewRays) and kernels/pixels.rs
// (PixelMap). Index coordinates are [z, y, x], with voxel centres at integers.

struct Scan {
    Whole shape[3];
    double spacing[3];
    Whole views, rows, columns;
    // 1 if the grid is one slice and the detector one row, so that rays stay in the slice; else 0.
    Whole flat;
};

struct View {
    // The rays in index coordinates: point source; arm (vector from the source to the detector's centre, or direction
    // of a parallel beam; on a cylinder without its part along the axis); lift (that part); detector centre; vectors to
    // the next column and row.
    double source[3], arm[3], lift[3], center[3], u[3], v[3];
    // 1 for a point source, else 0; angle between columns of a cylinder, radians (0: flat); length of the arm over the
    // column pitch.
    double point, angle, ratio;
    double middle_row, middle_column;
    // The pixel under a voxel, as affine functions of its index: [per z, per y, per x, constant].
    double depth[4], across[4], along[4];
    // Columns per radian of a cylinder, 0 for a flat detector; row (on a cylinder that at the height of the source) and
    // column of the detector's middle; depth of the isocentre.
    double per_radian, row, column, isocenter;
    // Axes that can be the main axis of a ray, as the sum of 1, 2 and 4 for z, y and x.
    double axes;
};

static __device__ inline double affine(const double* f, double z, double y, double x) {
    return f[0] * z + f[1] * y + f[2] * x + f[3];
}
