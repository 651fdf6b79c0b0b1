use super::*;
use crate::data::{dot, norm, sub};

fn camera(angle: f64) -> Camera {
    let position = [300.0 * angle.cos() + 5.0, 300.0 * angle.sin(), 80.0];
    Camera::looking_at(position, [5.0, 0.0, 10.0], 0.7, [3, 4]).unwrap()
}

fn picture(alpha: f32) -> Picture {
    let pixel = |i: usize| [i as f32 / 51.0, 0.2, 1.0 - i as f32 / 51.0, alpha];
    Picture::new([3, 4], (0..12).map(pixel).collect()).unwrap()
}

#[test]
fn what_is_written_is_read_as_the_same_cameras_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let cameras: Vec<Camera> = (0..3).map(|i| camera(f64::from(i))).collect();
    let names: Vec<String> = (0..3).map(|i| format!("./train/r_{i}")).collect();
    std::fs::create_dir(folder.path().join("train")).unwrap();
    for name in &names {
        write(&folder.path().join(format!("{name}.png")), &picture(0.4)).unwrap();
    }
    let path = folder.path().join("transforms_train.json");
    transforms::write(&path, &names, &cameras, [5.0, 0.0, 10.0], 120.0).unwrap();
    let read = transforms::read(&path).unwrap();
    assert!(norm(sub(read.center_mm(), [5.0, 0.0, 10.0])) < 1e-9 && (read.edge_mm() - 120.0).abs() < 1e-9);
    for (i, frame) in read.frames.iter().enumerate() {
        let shot = read.shot(frame).unwrap();
        assert!(shot.camera.distance(&cameras[i], 300.0) < 1e-12, "{:?}", shot.camera);
        assert_eq!((shot.name.as_str(), shot.picture.clone()), (format!("r_{i}").as_str(), picture(0.4)));
    }
}

/// Checks the keys and rules by which nerfstudio's Blender reader and instant-ngp's loader read the file.
#[test]
fn nerfstudio_and_instant_ngp_find_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transforms_train.json");
    let eye = camera(0.5);
    transforms::write(&path, &["./train/r_0".to_string()], std::slice::from_ref(&eye), [5.0, 0.0, 10.0], 120.0)
        .unwrap();
    let value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    // nerfstudio, blender_dataparser.py: focal = 0.5 · width / tan(0.5 · camera_angle_x); file_path + ".png".
    let angle = value["camera_angle_x"].as_f64().unwrap();
    assert!((0.5 * 4.0 / (0.5 * angle).tan() - eye.focal[0]).abs() < 1e-9);
    assert_eq!(value["frames"][0]["file_path"], "./train/r_0");
    let matrix = &value["frames"][0]["transform_matrix"];
    let at = |row: usize, column: usize| matrix[row][column].as_f64().unwrap();
    let place = [at(0, 3), at(1, 3), at(2, 3)];
    let backwards = [at(0, 2), at(1, 2), at(2, 2)];
    // The camera looks along −z of its own axes, at the origin.
    assert!((dot(place, backwards) - norm(place)).abs() < 1e-6 && at(2, 1) > 0.5 && at(3, 3) == 1.0);
    // instant-ngp, nerf_loader.cu: p · scale + offset, the box is 0.5 ± aabb_scale / 2.
    let (scale, edge) = (value["scale"].as_f64().unwrap(), value["aabb_scale"].as_f64().unwrap());
    assert!((1.5 * scale + value["offset"][0].as_f64().unwrap() - (0.5 + edge / 2.0)).abs() < 1e-12);
    assert!(["fl_x", "fl_y", "cx", "cy", "w", "h"].iter().all(|key| value[key].is_f64()));
}

/// A hand-written set in the form of Blender's script: no size, no intrinsics but the angle, keys without meaning here.
#[test]
fn a_set_as_blender_writes_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("train")).unwrap();
    write(&folder.path().join("train/r_0.png"), &picture(1.0)).unwrap();
    let text = r#"{"camera_angle_x": 0.6911112070083618, "frames": [{"file_path": "./train/r_0", "rotation": 0.0125,
        "transform_matrix": [[-0.9999021887779236, 0.004192245192825794, -0.013345719315111637, -0.05379832163453102],
        [-0.013988681137561798, -0.2996590733528137, 0.95394366979599, 3.845470428466797],
        [-4.656612873077393e-10, 0.9540371894836426, 0.29968830943107605, 1.2080823183059692],
        [0.0, 0.0, 0.0, 1.0]]}]}"#;
    let path = folder.path().join("transforms_train.json");
    std::fs::write(&path, text).unwrap();
    let read = transforms::read(&path).unwrap();
    let shot = read.shot(&read.frames[0]).unwrap();
    assert_eq!((read.center, read.half, shot.camera.pixels), ([0.0; 3], 1.5, [3, 4]));
    assert!((shot.camera.focal[0] - 2.0 / (0.5f64 * 0.6911112070083618).tan()).abs() < 1e-9);
    // It looks at the origin from 4.03 away, as all of Blender's cameras do.
    let ray = sub([0.0; 3], shot.camera.position);
    assert!((norm(ray) - 4.031).abs() < 1e-3 && dot(ray, shot.camera.forward) / norm(ray) > 0.9999);
}

#[test]
fn bad_files_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transforms.json");
    let says = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let error = transforms::read(&path).and_then(|file| file.shot(&file.frames[0]).map(drop)).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    };
    let with = |matrix: &str| {
        says(&format!(
            "{{\"camera_angle_x\": 0.7, \"frames\": [{{\"file_path\": \"a\", \"transform_matrix\": {matrix}}}]}}"
        ))
    };
    assert!(says("{\"frames\": []}").contains("at least one"));
    assert!(says("[]").contains("transforms.json"));
    let unit = "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1]]";
    assert!(with(unit).contains("a.png: no such file"));
    write(&folder.path().join("a.png"), &picture(1.0)).unwrap();
    assert!(with("[[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1]]").contains("singular"));
    assert!(with("[[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 4], [0, 0, 0, 1]]").contains("scales"));
    assert!(with("[[1, 0], [0, 1]]").contains("4 rows"));
    std::fs::write(folder.path().join("a.png"), b"\x89PNG\r\n\x1a\nnothing").unwrap();
    assert!(with(unit).contains("a.png: damaged PNG"));
    std::fs::write(folder.path().join("a.png"), b"BM not at all").unwrap();
    assert!(with(unit).contains("expected a PNG or JPEG"));
}

#[test]
fn palettes_and_sixteen_bits_are_read_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let put = |color, depth, palette: Option<Vec<u8>>, data: &[u8]| {
        let mut out = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut out, 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if let Some(palette) = palette {
            encoder.set_palette(palette);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        std::fs::write(&path, out).unwrap();
        read(&path).unwrap().rgba
    };
    let palette = put(::png::ColorType::Indexed, ::png::BitDepth::Eight, Some(vec![255, 0, 0, 0, 51, 255]), &[1, 0]);
    assert_eq!(palette, [[0.0, 0.2, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]]);
    let deep = put(::png::ColorType::Grayscale, ::png::BitDepth::Sixteen, None, &[255, 255, 0x33, 0x33]);
    assert_eq!(deep, [[1.0; 4], [0.2, 0.2, 0.2, 1.0]]);
}

#[test]
fn a_model_of_colmap_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("cameras.txt", "# Camera list\n1 PINHOLE 4 3 5.0 6.0 2.0 1.5\n");
    // Turned by 90 degrees about y: the camera at (−4, 0, 0) looks along +x.
    let half = 0.5f64.sqrt();
    put("images.txt", &format!("# Image list\n1 {half} 0 {} 0 0 0 4 1 a.png\n1.0 2.0 -1\n", -half));
    put("points3D.txt", "1 -1 -1 -1 0 0 0 0\n2 1 1 2 0 0 0 0\n");
    write(&folder.path().join("a.png"), &picture(1.0)).unwrap();
    let read = colmap::read(folder.path(), folder.path()).unwrap();
    let shot = read.shot(&read.frames[0]).unwrap();
    assert!(norm(sub(shot.camera.position, [-4.0, 0.0, 0.0])) < 1e-9, "{:?}", shot.camera);
    assert!(norm(sub(shot.camera.forward, [1.0, 0.0, 0.0])) < 1e-9 && shot.camera.focal == [5.0, 6.0]);
    assert_eq!((read.center, read.half), ([0.0, 0.0, 0.5], 1.5));
    put("cameras.txt", "1 SIMPLE_RADIAL 4 3 5.0 2.0 1.5 0.1\n");
    assert!(colmap::read(folder.path(), folder.path()).unwrap_err().to_string().contains("distorted"));
}
