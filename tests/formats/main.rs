//! Tests of the files that recon reads and writes: round trips, figures of other readers, and hostile input. Reference
//! figures were made with nibabel 5.4.2, SimpleITK 2.5.7 and pydicom 3.0.2 on the shared data (see its SOURCES.md).
//! Tests that need these data are skipped, and say so, where they are absent.
// clippy.toml allows it in #[test] functions; helpers are tests too.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod describe;
mod dicom_hostile;
mod dicom_read;
mod dicom_series;
mod dicom_write;
mod limits;
mod nifti_hostile;
mod nifti_read;
mod nifti_write;
mod projections;
mod support;
mod survey;
mod volumes;
