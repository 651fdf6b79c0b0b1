//! [`Raster`]: an image that becomes a PNG inside the page. Images are resized with nearest-neighbour interpolation, so
//! that the voxels of a small grid stay visible and anisotropic spacing keeps its proportions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Least number of pixels along the longer side of a picture; a voxel of a small grid becomes a block of pixels.
const LEGIBLE: f64 = 384.0;
/// Largest number of pixels along the longer side of a picture.
const LARGEST: f64 = 1024.0;

/// 8-bit RGB or grey pixels, first row at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    width: usize,
    height: usize,
    color: png::ColorType,
    bytes: Vec<u8>,
}

impl Raster {
    /// A grey picture of `values` `[row, column]` (row 0 at the top); `shade` maps a value to a grey level.
    pub(crate) fn grey(layout: &PictureLayout, values: &[f32], shade: impl Fn(f32) -> u8) -> Self {
        let bytes = layout.sources().map(|source| shade(values[source])).collect();
        Self { width: layout.columns.len(), height: layout.rows.len(), color: png::ColorType::Grayscale, bytes }
    }

    /// A colour picture of `values` `[row, column]` (row 0 at the top); `color` maps a value to sRGB.
    pub(crate) fn rgb(layout: &PictureLayout, values: &[f32], color: impl Fn(f32) -> [u8; 3]) -> Self {
        let bytes = layout.sources().flat_map(|source| color(values[source])).collect();
        Self { width: layout.columns.len(), height: layout.rows.len(), color: png::ColorType::Rgb, bytes }
    }

    /// The picture as a PNG in a `data:` URI.
    pub(crate) fn data_uri(&self) -> String {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(self.color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().expect("sides are between 1 and 2^31 and memory takes every byte");
        writer.write_image_data(&self.bytes).expect("one byte or three for each pixel by construction");
        writer.finish().expect("memory takes every byte");
        format!("data:image/png;base64,{}", STANDARD.encode(bytes))
    }

    /// Width and height, pixels.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }
}

/// The sample that each row and column of a picture shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PictureLayout {
    rows: Vec<usize>,
    columns: Vec<usize>,
    stride: usize,
}

impl PictureLayout {
    /// A layout with square pixels for samples `[rows, columns]` at `spacing` (both in the same unit); the longer side
    /// has [`LEGIBLE`] to [`LARGEST`] pixels.
    pub(crate) fn proportional(shape: [usize; 2], spacing: [f64; 2]) -> Self {
        let extent = [shape[0] as f64 * spacing[0], shape[1] as f64 * spacing[1]];
        let longest = extent[0].max(extent[1]);
        let samples = longest / spacing[0].min(spacing[1]);
        let pixel =
            longest / if samples < LEGIBLE { samples * (LEGIBLE / samples).ceil() } else { samples.min(LARGEST) };
        Self::new(shape, [(extent[0] / pixel).round() as usize, (extent[1] / pixel).round() as usize])
    }

    /// A layout that enlarges each side independently by a whole number to at least [`LEGIBLE`] pixels, for samples
    /// whose two axes have different units.
    pub(crate) fn stretched(shape: [usize; 2]) -> Self {
        let side = |n: usize| {
            let n = n as f64;
            if n < LEGIBLE { (n * (LEGIBLE / n).ceil()) as usize } else { n.min(LARGEST) as usize }
        };
        Self::new(shape, [side(shape[0]), side(shape[1])])
    }

    fn new(shape: [usize; 2], size: [usize; 2]) -> Self {
        let nearest = |k: usize| {
            let (samples, pixels) = (shape[k], size[k].max(1));
            (0..pixels).map(|i| (2 * i + 1) * samples / (2 * pixels)).collect()
        };
        Self { rows: nearest(0), columns: nearest(1), stride: shape[1] }
    }

    fn sources(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().flat_map(move |row| self.columns.iter().map(move |column| row * self.stride + column))
    }
}

/// Decodes a picture of a page: width, height, colour type and bytes.
#[cfg(test)]
pub(crate) fn decode(uri: &str) -> (usize, usize, png::ColorType, Vec<u8>) {
    let bytes = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width as usize, info.height as usize, info.color_type, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_decodes_to_the_pixels_it_was_made_of() {
        let layout = PictureLayout::proportional([2, 3], [1.0, 1.0]);
        let raster = Raster::grey(&layout, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], |v| v as u8);
        let (width, height, color, pixels) = decode(&raster.data_uri());
        assert_eq!((width, height), raster.size());
        assert_eq!((width, height, color), (384, 256, png::ColorType::Grayscale));
        assert_eq!((pixels[0], pixels[width - 1], pixels[width * (height - 1)]), (0, 2, 3));
        assert_eq!(pixels.iter().map(|&p| usize::from(p == 4)).sum::<usize>(), 128 * 128);
    }

    #[test]
    fn proportions_follow_the_spacing() {
        for (shape, spacing) in
            [([10, 100], [5.0, 0.7]), ([512, 40], [1.0, 5.0]), ([3000, 2000], [0.5, 0.5]), ([1, 1], [1e-6, 3.0])]
        {
            let layout = PictureLayout::proportional(shape, spacing);
            let (width, height) = (layout.columns.len(), layout.rows.len());
            let wanted = shape[1] as f64 * spacing[1] / (shape[0] as f64 * spacing[0]);
            let longer = width.max(height);
            assert!((384..=1024).contains(&longer), "{shape:?}: {width} x {height}");
            let shorter = (longer as f64 * wanted.min(1.0 / wanted)).max(1.0);
            assert!((width.min(height) as f64 - shorter).abs() <= 1.0, "{shape:?}: {width} x {height}");
            assert_eq!(
                *layout.rows.last().unwrap(),
                if height >= shape[0] { shape[0] - 1 } else { (2 * height - 1) * shape[0] / (2 * height) }
            );
        }
    }

    #[test]
    fn stretching_treats_each_side_alone() {
        let layout = PictureLayout::stretched([40, 96]);
        assert_eq!((layout.rows.len(), layout.columns.len()), (400, 384));
        assert_eq!(PictureLayout::stretched([5000, 1]).rows.len(), 1024);
    }
}
