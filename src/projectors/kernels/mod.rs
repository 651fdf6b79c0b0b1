//! stub
pub mod joseph { use crate::data::*; pub fn forward(_:&Grid,_:&[View],_:&Detector,_:&[f32],_:&mut [f32]){} pub fn adjoint(_:&Grid,_:&[View],_:&Detector,_:&[f32],_:&mut [f32]){} }
pub mod support { use crate::data::*; pub fn seen_support(g:&Grid,_:&Geometry,_:&[f32],_:f32)->Vec<bool>{vec![true;g.voxels()]} }
