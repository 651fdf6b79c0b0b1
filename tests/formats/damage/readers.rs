//! The functions of the program that read a file of each format; the tests call all of them on a damaged file.

use recon::error::Result;
use recon::formats::{Reading, Sheared, Units, describe, geometry, measured, parts, read_grid, read_volume, spectrum};
use recon::phantoms::Phantom;
use recon::pipeline::Config;
use std::path::Path;

pub(crate) type Read = fn(&Path) -> Vec<Result<()>>;

pub(crate) fn volume(path: &Path) -> Vec<Result<()>> {
    let reading = |units, sheared| Reading { units, sheared, volume: Some(0), series: None };
    let _ = parts(path);
    vec![
        read_volume(path, &reading(Units::Relative, Sheared::Resample)).map(drop),
        read_volume(path, &reading(Units::Hounsfield, Sheared::Refuse)).map(drop),
        read_grid(path).map(drop),
        describe(path).map(drop),
    ]
}

pub(crate) fn hdf5(path: &Path) -> Vec<Result<()>> {
    let names = measured::hdf5::Names {
        data: "exchange/data",
        flats: Some("exchange/data_white"),
        darks: Some("exchange/data_dark"),
        angles: Some("exchange/theta"),
    };
    vec![measured::hdf5::read(path, &names, None).map(drop), describe(path).map(drop)]
}

pub(crate) fn nexus(path: &Path) -> Vec<Result<()>> {
    let names = measured::nexus::Names { data: None, image_key: None, angles: None };
    vec![measured::nexus::read(path, &names, None).map(drop), describe(path).map(drop)]
}

pub(crate) fn matlab(path: &Path) -> Vec<Result<()>> {
    let names = measured::mat::Names { sinogram: None, angles: None };
    let of_astra = measured::astra::Names { sinogram: None };
    vec![
        measured::mat::read(path, &names, None).map(drop),
        measured::astra::read(path, &of_astra, None).map(drop),
        describe(path).map(drop),
    ]
}

pub(crate) fn stack(path: &Path) -> Vec<Result<()>> {
    let files = measured::tiff::Files { data: path, flats: None, darks: None, angles: None };
    vec![measured::tiff::read(&files, None).map(drop), measured::metaimage::read(path, None, None).map(drop)]
}

pub(crate) fn scan(path: &Path) -> Vec<Result<()>> {
    vec![geometry::read(path).map(drop), geometry::read_poses(path).map(drop), describe(path).map(drop)]
}

pub(crate) fn energies(path: &Path) -> Vec<Result<()>> {
    vec![spectrum::read(path).map(drop)]
}

pub(crate) fn pipeline(path: &Path) -> Vec<Result<()>> {
    vec![Config::read(path, &[]).map(drop)]
}

pub(crate) fn phantom(path: &Path) -> Vec<Result<()>> {
    vec![Phantom::read(path).map(drop)]
}
