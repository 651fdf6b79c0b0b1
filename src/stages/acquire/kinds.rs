//! Sources of measured projections: one kind per file format.

use super::images::ImageFiles;
use super::input::{Hdf5File, Input, MatFile, NpyStack, TiffStack};
use super::scanners::{AstraFile, MetaImageStack, NexusFile, NikonScan, PhoenixScan, RawFile, SkyscanScan, ZeissFile};

crate::kinds! {
    /// Source and format of the measured projections.
    pub enum MeasuredKind: "input" => dyn Input {
        /// An HDF5 file in the tomopy/DXchange layout.
        hdf5 => Hdf5(Hdf5File),
        /// A folder of TIFF images, or one file with many.
        tiff => Tiff(TiffStack),
        /// NumPy arrays.
        npy => Npy(NpyStack),
        /// A MATLAB file with a sinogram.
        mat => Mat(MatFile),
        /// A scan of a Nikon (X-Tek) scanner: .xtekct and TIFF images.
        xtekct => Xtekct(NikonScan),
        /// A scan of a Bruker (SkyScan) scanner: .log and TIFF images.
        skyscan => Skyscan(SkyscanScan),
        /// A scan of a GE (phoenix) scanner: .pca and TIFF images.
        pca => Pca(PhoenixScan),
        /// A scan of a Zeiss (Xradia) microscope: .txrm or .xrm.
        txrm => Txrm(ZeissFile),
        /// A scan in the NeXus definition NXtomo, with image keys.
        nexus => Nexus(NexusFile),
        /// A MetaImage stack (.mha), as ITK and RTK write projections.
        metaimage => MetaImage(MetaImageStack),
        /// A MATLAB file with a sinogram and the proj_geom of the ASTRA toolbox.
        astra => Astra(AstraFile),
        /// Camera pictures, in place of projections.
        images => Images(ImageFiles),
        /// A file of raw numbers, whose shape and type are given.
        raw => Raw(RawFile),
    }
}
