//! Writes pictures as a film (MP4, H.264) with `ffmpeg`, if it is installed.

use crate::data::Picture;
use crate::error::{Error, Result};
use crate::formats::atomic;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAM: &str = "ffmpeg";

/// Checks that `ffmpeg` can be started, before the time for rendering is spent.
///
/// # Errors
/// [`Error::Resource`] without `ffmpeg`.
pub(super) fn check() -> Result<()> {
    let found = Command::new(PROGRAM).arg("-version").stdin(Stdio::null()).output();
    match found {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(Error::resource(PROGRAM, "cannot be started, and films need it")
            .hint("install ffmpeg, or give a name ending in .png for an animation")),
    }
}

/// Writes pictures of the same size over a white background as a film with `per_second` frames per second.
///
/// # Errors
/// `ffmpeg` that cannot be started or refuses; a file that cannot be written.
pub(super) fn write(path: &Path, frames: &[&Picture], per_second: f64) -> Result<()> {
    let folder = tempfile_beside(path)?;
    let made = folder.join("film.mp4");
    let filmed = encode(&made, frames, per_second).and_then(|()| {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&made).and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(|error| Error::read(&made, &error))?;
        atomic::write(path, &bytes)
    });
    let _ = std::fs::remove_dir_all(&folder);
    filmed
}

/// Creates a temporary folder beside a file: `ffmpeg` must seek in an MP4 file, so it cannot write it to a pipe.
fn tempfile_beside(path: &Path) -> Result<std::path::PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = parent.join(format!(".partial-film-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| Error::write(&folder, &error))?;
    Ok(folder)
}

fn encode(path: &Path, frames: &[&Picture], per_second: f64) -> Result<()> {
    let [rows, columns] = frames[0].pixels;
    let fault = |error: std::io::Error| Error::resource(PROGRAM, error);
    let mut child = Command::new(PROGRAM)
        .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"])
        .args(["-s", &format!("{columns}x{rows}"), "-r", &format!("{per_second}"), "-i", "-"])
        // H.264 with 4:2:0 chroma subsampling needs an even width and height.
        .args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-movflags", "+faststart"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    // If ffmpeg fails, it closes the pipe: report its own message, not the broken pipe.
    let sent = child.stdin.take().map_or(Ok(()), |mut pipe| {
        frames.iter().try_for_each(|frame| {
            let byte = |value: f32| (value * 255.0).round() as u8;
            let bytes: Vec<u8> = frame.before([1.0; 3]).into_iter().flatten().map(byte).collect();
            pipe.write_all(&bytes)
        })
    });
    let ended = child.wait_with_output().map_err(fault)?;
    if ended.status.success() && path.is_file() {
        return sent.map_err(fault);
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim();
    Err(Error::resource(PROGRAM, format!("failed: {first}")))
}
