//! A sheet in ZPL II, for printers of 203 dots to an inch.
//!
//! Rules and Code 128 are drawn by the printer itself (`^GB`, `^BC`, with the code sets named, so its bars are those of the
//! other forms). Text and squares are pictures (`^GF`): a printer's own letters differ in width and lack most names of
//! Europe, and printers choose the size of a QR code as they like. Source: ZPL II Programming Guide.

use super::raster::Raster;
use super::sheet::{Area, Mark, Sheet};

/// The commands that print a sheet once.
pub fn zpl(sheet: &Sheet) -> String {
    let mut written = format!("^XA\n^CI28\n^LH0,0\n^PW{}\n^LL{}\n", sheet.width, sheet.height);
    for mark in &sheet.marks {
        written.push_str(&command(mark));
        written.push('\n');
    }
    written.push_str("^XZ\n");
    written
}

fn command(mark: &Mark) -> String {
    match mark {
        Mark::Rule(Area { x, y, width, height }) => {
            format!("^FO{x},{y}^GB{width},{height},{}^FS", (*width).min(*height))
        }
        Mark::Text { x, y, size, text } => {
            let Area { width, height, .. } = mark.area();
            // Marks that stand on no letter have no width.
            let mut raster = Raster::new(width.max(1), height);
            raster.write((0, 0), *size, text);
            picture(*x, *y, &raster)
        }
        Mark::Bars { x, y, module, height, code } => {
            format!("^FO{x},{y}^BY{module},2.0,{height}^BCN,{height},N,N,N,N^FH_^FD{}^FS", escaped(&code.zpl()))
        }
        Mark::Square { x, y, module, code } => {
            let size = code.width() * module;
            let mut raster = Raster::new(size, size);
            let moved = |area: Area| Area { x: area.x - x, y: area.y - y, ..area };
            mark.rectangles().into_iter().for_each(|area| raster.fill(moved(area)));
            picture(*x, *y, &raster)
        }
    }
}

/// What would be taken for a command, in hexadecimal.
fn escaped(data: &str) -> String {
    let escape = |c: char| match c {
        '^' | '~' | '_' => format!("_{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    data.chars().map(escape).collect()
}

/// A picture in hexadecimal, packed as `^GF` reads it.
fn picture(x: u32, y: u32, raster: &Raster) -> String {
    let (all, row) = (raster.bytes.len(), raster.row_bytes());
    let mut packed = String::new();
    let mut before: Option<&[u8]> = None;
    for bytes in raster.bytes.chunks(row) {
        if before == Some(bytes) {
            packed.push(':');
        } else {
            pack(&mut packed, bytes);
        }
        before = Some(bytes);
    }
    format!("^FO{x},{y}^GFA,{all},{all},{row},{packed}^FS")
}

/// One row: a digit that is repeated stands once behind its number, zeros up to the end are a comma.
fn pack(packed: &mut String, row: &[u8]) {
    let digits: Vec<char> = row.iter().flat_map(|byte| format!("{byte:02X}").chars().collect::<Vec<_>>()).collect();
    let mut left = digits.len();
    for run in digits.chunk_by(|a, b| a == b) {
        if run[0] == '0' && run.len() == left {
            packed.push(',');
            return;
        }
        left -= run.len();
        if run.len() > 1 {
            count(packed, run.len());
        }
        packed.push(run[0]);
    }
}

/// A number: `z` is 400 and may be repeated, `g` to `y` are 20 to 380, `G` to `Y` are 1 to 19.
fn count(packed: &mut String, many: usize) {
    packed.extend(std::iter::repeat_n('z', many / 400));
    let (twenties, ones) = (many % 400 / 20, many % 20);
    if twenties > 0 {
        packed.push(char::from(b'f' + twenties as u8));
    }
    if ones > 0 {
        packed.push(char::from(b'F' + ones as u8));
    }
}
