//! Tests of DICOM files that are made to break a reader. Each is an input error or is read correctly. That memory and
//! time stay small was checked by hand under `ulimit -v`, because no test may depend on the clock.

use crate::support::{folder, input_error};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use recon::formats::Loaded;
use recon::formats::dicom::read_series;
use std::io::Write;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const UNDEFINED: u32 = u32::MAX;

fn header(tag: (u16, u16), vr: &str, length: u32) -> Vec<u8> {
    let tag = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    match vr {
        "" => [&tag[..], &length.to_le_bytes()].concat(),
        "OB" | "OW" | "SQ" | "UN" | "ZZ" => [&tag[..], vr.as_bytes(), &[0, 0], &length.to_le_bytes()].concat(),
        _ => [&tag[..], vr.as_bytes(), &(length as u16).to_le_bytes()].concat(),
    }
}

fn element(tag: (u16, u16), vr: &str, value: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if value.len().is_multiple_of(2) { b"" } else { b" " };
    [&header(tag, vr, (value.len() + padding.len()) as u32)[..], value, padding].concat()
}

fn file(syntax: &str, data: &[u8]) -> Vec<u8> {
    let uid = element((2, 0x10), "UI", format!("{syntax}{}", if syntax.len() % 2 == 1 { "\0" } else { "" }).as_bytes());
    [&[0; 128][..], b"DICM", &element((2, 0), "UL", &(uid.len() as u32).to_le_bytes()), &uid, data].concat()
}

struct Image {
    rows: u16,
    columns: u16,
    bits: u16,
    frames: &'static str,
    pixels: Vec<u8>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            rows: 2,
            columns: 3,
            bits: 16,
            frames: "1",
            pixels: element((0x7fe0, 0x10), "OW", &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]),
        }
    }
}

impl Image {
    fn before_pixels(&self) -> Vec<u8> {
        let short = |tag, value: u16| element(tag, "US", &value.to_le_bytes());
        [
            element((8, 0x60), "CS", b"CT"),
            element((0x20, 0xe), "UI", b"1.2.3.4\0"),
            element((0x20, 0x32), "DS", b"0\\0\\0"),
            element((0x20, 0x37), "DS", b"1\\0\\0\\0\\1\\0"),
            short((0x28, 2), 1),
            element((0x28, 4), "CS", b"MONOCHROME2"),
            element((0x28, 8), "IS", self.frames.as_bytes()),
            short((0x28, 0x10), self.rows),
            short((0x28, 0x11), self.columns),
            element((0x28, 0x30), "DS", b"1\\1"),
            short((0x28, 0x100), self.bits),
            short((0x28, 0x101), self.bits),
            short((0x28, 0x102), self.bits.wrapping_sub(1)),
            short((0x28, 0x103), 0),
            element((0x28, 0x1052), "DS", b"0"),
            element((0x28, 0x1053), "DS", b"1"),
        ]
        .concat()
    }

    fn data(&self) -> Vec<u8> {
        [self.before_pixels(), self.pixels.clone()].concat()
    }
}

fn read(bytes: &[u8]) -> recon::error::Result<Loaded> {
    let folder = folder();
    let path = folder.path().join("hostile.dcm");
    std::fs::write(&path, bytes).unwrap();
    let _ = recon::formats::describe(&path);
    read_series(&path, None)
}

fn refused(bytes: &[u8]) -> String {
    let message = input_error(read(bytes));
    assert!(message.contains("hostile.dcm"), "{message}");
    message
}

fn image(change: impl FnOnce(&mut Image)) -> Vec<u8> {
    let mut image = Image::default();
    change(&mut image);
    file(EXPLICIT, &image.data())
}

#[test]
fn the_seed_itself_is_read() {
    assert_eq!(read(&image(|_| {})).unwrap().volume.as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn sizes_that_the_pixels_cannot_have_are_refused_before_memory_is_taken() {
    let size = |rows, columns| image(|i| (i.rows, i.columns) = (rows, columns));
    assert!(refused(&size(65535, 65535)).contains("12 bytes of pixels cannot be 1 frames of 65535 x 65535"));
    assert!(refused(&size(0, 0)).contains("impossible image"));
    assert!(refused(&size(2, 4)).contains("cannot be"));
    for (frames, reason) in [
        ("2147483647", "impossible image of 2147483647 frames"),
        ("-5", "(0028,0008): expected a number"),
        ("65536", "12 bytes of pixels cannot be 65536 frames"),
        ("1e3", "(0028,0008): expected a number"),
        ("\u{1b}[31m", "(0028,0008): expected a number"),
    ] {
        let message = refused(&image(|i| i.frames = frames));
        assert!(message.contains(reason), "{frames:?}: {message}");
    }
    for bits in [0, 1, 12, 64, 65535] {
        assert!(refused(&image(|i| i.bits = bits)).contains("impossible pixels"));
    }
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    for (tag, vr, length) in [
        ((9, 0x1010), "UN", 0xffff_fff0),
        ((0x10, 0x10), "ZZ", 0x7fff_ffff),
        ((8, 0x1140), "SQ", 0x1000_0000),
        ((8, 0x70), "LO", 60_000),
    ] {
        let lie = [header(tag, vr, length), Image::default().data()].concat();
        assert!(refused(&file(EXPLICIT, &lie)).contains("are left; is the file complete?"));
    }
    // The declared length of the meta group is not trusted; an element of it that is longer than the file is refused.
    let mut meta = image(|_| {});
    meta[140..144].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
    assert!(read(&meta).is_ok());
    let lie = [&[0; 128][..], b"DICM", &header((2, 0x10), "UI", 0xfffe), b"1.2"].concat();
    assert!(refused(&lie).contains("are left"));
    let odd = [&[0; 128][..], b"DICM", &header((2, 2), "ZZ", UNDEFINED), b"1.2"].concat();
    assert!(refused(&odd).contains("(0002,0002) declares 4294967295 bytes, 3 are left"));
}

#[test]
fn nesting_is_bounded_where_it_must_be_walked_and_passed_over_where_not() {
    let open = [header((8, 0x1140), "SQ", UNDEFINED), header((0xfffe, 0xe000), "", UNDEFINED)].concat();
    let deep = [open.repeat(10_000), Image::default().data()].concat();
    assert!(refused(&file(EXPLICIT, &deep)).contains("nested deeper than 32"));
    // The nesting is in a functional group, in which the crate `dicom-object` would recurse.
    let mut nested = Vec::new();
    for _ in 0..1000 {
        let item = [header((0xfffe, 0xe000), "", nested.len() as u32), nested].concat();
        nested = [header((0x20, 0x9113), "SQ", item.len() as u32), item].concat();
    }
    let item = [header((0xfffe, 0xe000), "", nested.len() as u32), nested.clone()].concat();
    let groups = [header((0x5200, 0x9229), "SQ", item.len() as u32), item].concat();
    let data = [Image::default().before_pixels(), groups, Image::default().pixels].concat();
    assert!(refused(&file(EXPLICIT, &data)).contains("nested deeper than 32"));
    // The reader skips a sequence of known length that it does not need, without reading its content.
    let harmless = [nested, Image::default().data()].concat();
    assert!(read(&file(EXPLICIT, &harmless)).is_ok());
}

#[test]
fn sequences_without_an_end_and_items_longer_than_their_sequence_are_refused() {
    let (open, item) = (header((8, 0x1140), "SQ", UNDEFINED), |length| header((0xfffe, 0xe000), "", length));
    let groups = |length| header((0x5200, 0x9229), "SQ", length);
    let with = |sequence: &[u8]| file(EXPLICIT, &[sequence, &Image::default().data()].concat());
    for whole in [[open.clone(), header((0xfffe, 0xe0dd), "", 0)].concat(), [groups(8), item(0)].concat()] {
        assert!(read(&with(&whole)).is_ok(), "sequences that are not broken are accepted");
    }
    for (broken, reason) in [
        (open.clone(), "unexpected (0008,0060) in sequence (0008,1140)"),
        ([open, item(1 << 20)].concat(), "(FFFE,E000) declares 1048576 bytes"),
        ([groups(8), item(64)].concat(), "(FFFE,E000) declares 64 bytes, 0 are left"),
        (
            [groups(16), item(8), header((0x28, 0x9110), "UN", UNDEFINED)].concat(),
            "(0028,9110) of undefined length in sequence (5200,9229)",
        ),
    ] {
        let message = refused(&with(&broken));
        assert!(message.contains(reason), "expected `{reason}` in {message}");
    }
}

#[test]
fn a_deflated_data_set_is_read_and_a_bomb_is_not() {
    let deflate = |data: &[u8]| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    };
    let packed = deflate(&Image::default().data());
    assert_eq!(read(&file("1.2.840.10008.1.2.1.99", &packed)).unwrap().volume.as_slice()[5], 6.0);
    assert!(
        refused(&file("1.2.840.10008.1.2.1.99", &packed[..packed.len() / 2])).contains("incomplete deflate stream")
    );
    let bomb = deflate(&vec![0; (1 << 28) + 10]);
    assert!(refused(&file("1.2.840.10008.1.2.1.99", &bomb)).contains("larger than 268435456 bytes"));
}

/// Returns compressed pixels of one fragment.
fn fragment(bytes: &[u8]) -> Vec<u8> {
    let item = |bytes: &[u8]| [&header((0xfffe, 0xe000), "", bytes.len() as u32)[..], bytes].concat();
    [header((0x7fe0, 0x10), "OB", UNDEFINED), item(&[]), item(bytes), header((0xfffe, 0xe0dd), "", 0)].concat()
}

#[test]
fn codestreams_that_lie_about_the_image_never_reach_a_decoder() {
    let rle_header = [&2u32.to_le_bytes()[..], &64u32.to_le_bytes(), &70u32.to_le_bytes(), &[0; 52]].concat();
    let rle = |segments: &[u8]| fragment(&[&rle_header[..], segments].concat());
    let compressed = |syntax: &str, pixels: Vec<u8>| file(syntax, &Image { pixels, ..Image::default() }.data());
    let run_length = "1.2.840.10008.1.2.5";
    // The first segment holds the high bytes (six zeros), the second the low bytes (1 to 6).
    let good = rle(&[0xfb, 0, 0x80, 0x80, 0x80, 0x80, 5, 1, 2, 3, 4, 5, 6, 0x80]);
    assert_eq!(read(&compressed(run_length, good)).unwrap().volume.as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(
        refused(&compressed(run_length, rle(&[0xfb, 0, 0x80, 0x80, 0x80, 0x80, 3, 1, 2, 3, 4, 0x80])))
            .contains("end before 6 pixels")
    );
    assert!(refused(&compressed(run_length, fragment(&[0xff; 66]))).contains("segments"));
    assert!(refused(&compressed(run_length, fragment(&[]))).contains("segments"));
    let jpeg2000 = |width: u32, height: u32, tile: u32| {
        let sizes = [width, height, 0, 0, tile, tile, 0, 0].map(u32::to_be_bytes).concat();
        fragment(&[&[0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0][..], &sizes, &[0, 1, 15, 1, 1, 0]].concat())
    };
    let lossless = "1.2.840.10008.1.2.4.90";
    assert!(refused(&compressed(lossless, jpeg2000(60000, 60000, 60000))).contains("60000 x 60000 with 1 components"));
    assert!(refused(&compressed(lossless, jpeg2000(60000, 60000, 1))).contains("no header"));
    assert!(refused(&compressed(lossless, jpeg2000(3, 2, 3))).contains("lack 1 tiles"));
    let jpeg = fragment(&[0xff, 0xd8, 0xff, 0xc3, 0, 11, 16, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0, 0xff, 0xd9]);
    assert!(refused(&compressed("1.2.840.10008.1.2.4.70", jpeg)).contains("65535 x 65535"));
    assert!(refused(&compressed("1.2.840.10008.1.2.4.70", fragment(b"no jpeg!"))).contains("no header"));
    // The end of the sequence is missing, or the sequence holds no fragment at all.
    let mut open = good_end(&fragment(&[0; 70]));
    open.truncate(open.len() - 8);
    assert!(refused(&compressed(run_length, open)).contains("ends inside an element's header"));
    let empty = [header((0x7fe0, 0x10), "OB", UNDEFINED), header((0xfffe, 0xe0dd), "", 0)].concat();
    assert!(refused(&compressed(run_length, empty)).contains("compressed pixel data without items"));
}

fn good_end(pixels: &[u8]) -> Vec<u8> {
    assert!(pixels.ends_with(&header((0xfffe, 0xe0dd), "", 0)));
    pixels.to_vec()
}

#[test]
fn unknown_syntaxes_are_named() {
    let message =
        refused(&file("1.2.840.10008.1.2.4.110", &Image { pixels: fragment(&[0; 70]), ..Image::default() }.data()));
    assert!(message.contains("JPEG XL Lossless (1.2.840.10008.1.2.4.110)"), "{message}");
    let message = refused(&file("9.9", &Image { pixels: fragment(&[0; 70]), ..Image::default() }.data()));
    assert!(message.contains("unknown (9.9)"), "{message}");
}

/// Returns the file with another value of an element of the type DS, which the file holds once.
fn with_decimal(tag: (u16, u16), value: &str) -> Vec<u8> {
    let mut data = Image::default().data();
    let start = [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), b"DS"].concat();
    let place = data.windows(6).position(|part| part == start).unwrap();
    let length = u16::from_le_bytes([data[place + 6], data[place + 7]]);
    drop(data.splice(place..place + 8 + usize::from(length), element(tag, "DS", value.as_bytes())));
    file(EXPLICIT, &data)
}

#[test]
fn values_out_of_all_measure_are_refused() {
    for (tag, good, bad, reason) in [
        ((0x28, 0x1053), "2", "1e300", "got 0 NaN and 6 infinite of 6"),
        ((0x28, 0x30), "2\\1", "1e-320\\1", "a step from voxel to voxel is zero or not finite"),
        ((0x20, 0x32), "4\\0\\0", "1e400\\0\\0", "Image Position (Patient): expected a number"),
        ((0x20, 0x37), "0\\1\\0\\1\\0\\0", "1\\0\\0\\0\\NaN\\0", "Image Orientation (Patient): expected a number"),
        (
            (0x20, 0x32),
            "0\\0\\5",
            "1\\".repeat(9000).as_str(),
            "Image Position (Patient): expected 3 numbers, got 9000",
        ),
    ] {
        assert!(read(&with_decimal(tag, good)).is_ok(), "{good} is accepted");
        let message = refused(&with_decimal(tag, bad));
        assert!(message.contains(reason), "expected `{reason}` in {message}");
    }
}

#[test]
fn a_program_in_the_preamble_is_told() {
    let mut polyglot = image(|_| {});
    polyglot[..2].copy_from_slice(b"MZ");
    let loaded = read(&polyglot).unwrap();
    assert!(loaded.warnings.iter().any(|w| w.code == "dicom_preamble" && w.message.contains("Windows program")));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_screen() {
    let mut data = element((8, 0x60), "CS", b"\x1b[31mX");
    data.extend(Image::default().before_pixels().split_off(10));
    data.extend(Image::default().pixels);
    let message = refused(&file(EXPLICIT, &data));
    assert!(!message.contains('\u{1b}') && message.contains("got another modality"), "{message}");
}

/// Returns a file with a storage class in its meta group and this data set.
fn classed(class: &str, data: &[u8]) -> Vec<u8> {
    let padded = |uid: &str| format!("{uid}{}", if uid.len() % 2 == 1 { "\0" } else { "" });
    let meta = [element((2, 2), "UI", padded(class).as_bytes()), element((2, 0x10), "UI", padded(EXPLICIT).as_bytes())]
        .concat();
    [&[0; 128][..], b"DICM", &element((2, 0), "UL", &(meta.len() as u32).to_le_bytes()), &meta, data].concat()
}

#[test]
fn files_without_pixels_say_what_they_are() {
    let folder = folder();
    let modality = element((8, 0x60), "CS", b"SR");
    for (name, class, words) in [
        ("DICOMDIR", "1.2.840.10008.1.3.10", "a DICOMDIR"),
        ("report", "1.2.840.10008.5.1.4.1.1.88.11", "a structured report"),
        ("other", "1.2.3", "a DICOM file without pixels (storage class 1.2.3)"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, classed(class, &modality)).unwrap();
        let message = input_error(read_series(&path, None));
        assert!(message.contains(words) && message.contains("give the folder"), "{message}");
        let found = recon::formats::describe(&path).unwrap();
        assert!(found.kind == "DICOM file without pixels" && found.rows[0].1.contains(words), "{found:?}");
    }
    let message = input_error(read_series(folder.path(), None));
    assert!(message.contains("3 other files, among them a DICOMDIR"), "{message}");
}

#[test]
fn frames_without_places_are_named_as_such() {
    let folder = folder();
    let path = folder.path().join("a.dcm");
    let pixels = element((0x7fe0, 0x10), "OW", &[0; 48]);
    std::fs::write(&path, file(EXPLICIT, &Image { frames: "4", pixels, ..Image::default() }.data())).unwrap();
    let message = input_error(read_series(&path, None));
    assert!(message.contains("its 4 frames have no positions of their own"), "{message}");
    assert!(!message.contains("phases") && message.contains("Plane Position"), "{message}");
}
