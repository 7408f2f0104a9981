//! A sheet as PNG: one bit a dot, with its size in the file.

use png::{BitDepth, ColorType, Encoder, PixelDimensions, Unit};

use super::raster::Raster;
use super::sheet::{DOTS_PER_INCH, Sheet};

/// Dots to a metre, as PNG wants it.
const DOTS_PER_METRE: u32 = (DOTS_PER_INCH * 10_000).div_ceil(254);

/// The file.
pub fn png(sheet: &Sheet) -> Vec<u8> {
    let raster = Raster::of(sheet);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, raster.width, raster.height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let dims = PixelDimensions { xppu: DOTS_PER_METRE, yppu: DOTS_PER_METRE, unit: Unit::Meter };
    encoder.set_pixel_dims(Some(dims));
    // In PNG light is one.
    let rows: Vec<u8> = raster.bytes.iter().map(|byte| !byte).collect();
    let mut writer = encoder.write_header().expect("a sheet has a size, and memory takes the file");
    writer.write_image_data(&rows).expect("the rows are those of the size");
    writer.finish().expect("memory takes the file");
    file
}
