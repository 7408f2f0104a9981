//! Labels scanned by a decoder that shares no code with what drew them, and measured in the dots of the picture. ZPL is drawn
//! by a library that emulates printers.

use std::collections::HashSet;
use std::io::Read;

use ::zpl::output::raster::rasterize;
use ::zpl::render::profiles::{SPECIFICATION, ZD621_203_DPI};
use rxing::{BarcodeFormat, DecodeHints, RXingResult, RXingResultMetadataType, RXingResultMetadataValue, helpers};

use super::code128::{Code128, NotEncodable};
use super::face;
use super::gs1::{NotAnSscc, Sscc, check_digit};
use super::label::{self, Label};
use super::paper::{Column, Paper};
use super::pdf::pdf;
use super::png::png;
use super::raster::Raster;
use super::sheet::{Area, DOTS_PER_INCH, Mark, Sheet};
use super::zpl::zpl;

/// What scanners say of a Code 128 that begins with FNC1.
const GS1_128: &str = "]C1";

/// Numbers that look like chance: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn text(&mut self, letters: &str, least: u64, most: u64) -> String {
        let letters: Vec<char> = letters.chars().collect();
        let many = least + self.below(most - least + 1);
        (0..many).map(|_| letters[self.below(letters.len() as u64) as usize]).collect()
    }

    fn tracking_number(&mut self) -> String {
        match self.below(4) {
            0 => self.text("0123456789", 1, 34),
            1 => self.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 1, 22),
            2 => format!("1Z{}", self.text("0123456789ABCDEF", 16, 16)),
            _ => {
                let printable: String = ('!'..='~').collect();
                self.text(&printable, 1, 22)
            }
        }
    }

    fn sscc(&mut self) -> Sscc {
        let body = self.text("0123456789", 17, 17);
        let whole = format!("{body}{}", check_digit(&body).expect("digits"));
        Sscc::parse(&whole).expect("its check digit was computed")
    }

    fn label(&mut self) -> Label {
        let mut line = |words: u64| {
            let places =
                ["Łódź", "Đakovo", "Iğdır", "Győr", "Český Krumlov", "Πάτρα", "Пловдив", "Ålesund", "Oak St 12"];
            let words: Vec<_> = (0..=self.below(words)).map(|_| places[self.below(9) as usize]).collect();
            words.join(" ")
        };
        let (from, to) = ((0..5).map(|_| line(6)).collect(), (0..6).map(|_| line(12)).collect());
        Label {
            title: [None, Some("RETURN")][self.below(2) as usize],
            from,
            to,
            carrier: self.text("abcdefg ", 1, 60),
            service: [None, Some(self.text("abcdefg ", 1, 60))][self.below(2) as usize].clone(),
            tracking_number: self.tracking_number(),
            weight_g: self.below(40_000),
            reference: format!("f-{}-{}", self.text("0123456789abcdefghjkmnpqrstvwxyz", 1, 13), self.below(40)),
            sscc: [None, Some(self.sscc())][self.below(2) as usize].clone(),
        }
    }
}

fn luma(raster: &Raster) -> Vec<u8> {
    let dots = (0..raster.height).flat_map(|y| (0..raster.width).map(move |x| (x, y)));
    dots.map(|(x, y)| if raster.is_dark(x, y) { 0 } else { 255 }).collect()
}

/// The dots of a PNG file.
fn read_png(file: &[u8]) -> Raster {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG file");
    let mut bytes = vec![0; reader.output_buffer_size().expect("it has a size")];
    let info = reader.next_frame(&mut bytes).expect("a picture");
    assert_eq!((info.color_type, info.bit_depth), (::png::ColorType::Grayscale, ::png::BitDepth::One));
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
    let size = reader.info().pixel_dims.expect("it says how large a dot is");
    assert_eq!((size.xppu, size.yppu), (7_993, 7_993), "203 to an inch");
    Raster { width: info.width, height: info.height, bytes }
}

/// What printers do by the programming guide, and what one of them was seen to do.
const PRINTERS: [::zpl::Options; 2] = [SPECIFICATION, ZD621_203_DPI];

/// The dots that a printer draws of a sheet in ZPL. The library reads it and draws its bars itself, by tables of its own.
fn printed(sheet: &Sheet, printer: ::zpl::Options) -> Raster {
    let document = ::zpl::render(zpl(sheet).as_bytes(), printer).expect("printers know all of it");
    assert_eq!(document.warnings, [] as [&str; 0]);
    let [label] = &document.labels[..] else { panic!("{} labels", document.labels.len()) };
    assert_eq!(label.dpi, DOTS_PER_INCH);
    let printed = rasterize(label).expect("a label of that size");
    let mut raster = Raster::new(printed.width, printed.height);
    for (at, _) in (0..).zip(&printed.pixels).filter(|(_, luma)| **luma == 0) {
        raster.fill(Area { x: at % printed.width, y: at / printed.width, width: 1, height: 1 });
    }
    raster
}

/// Everything a scanner finds in a picture.
fn scanned(raster: &Raster) -> HashSet<(BarcodeFormat, String)> {
    let formats = HashSet::from([BarcodeFormat::CODE_128, BarcodeFormat::QR_CODE]);
    let mut hints = DecodeHints { PossibleFormats: Some(formats), ..DecodeHints::default() };
    let found = helpers::detect_multiple_in_luma_with_hints(luma(raster), raster.width, raster.height, &mut hints);
    let told = |one: RXingResult| {
        let identifier = one.getRXingResultMetadata().get(&RXingResultMetadataType::SYMBOLOGY_IDENTIFIER);
        let is_gs1 = identifier == Some(&RXingResultMetadataValue::SymbologyIdentifier(GS1_128.to_owned()));
        (*one.getBarcodeFormat(), format!("{}{}", if is_gs1 { GS1_128 } else { "" }, one.getText()))
    };
    found.map(|all| all.into_iter().map(told).collect()).unwrap_or_default()
}

/// Everything a scanner shall find on a label.
fn wanted(label: &Label) -> HashSet<(BarcodeFormat, String)> {
    let mut all = HashSet::from([
        (BarcodeFormat::CODE_128, label.tracking_number.clone()),
        (BarcodeFormat::QR_CODE, label.numbers()),
    ]);
    all.extend(label.sscc.as_ref().map(|sscc| (BarcodeFormat::CODE_128, format!("{GS1_128}{}", sscc.element()))));
    all
}

#[test]
fn every_code_of_a_label_is_scanned_back_from_its_picture() {
    for seed in 0..200 {
        let label = Chance(seed).label();
        let picture = read_png(&png(&label.sheet().expect("it fits")));
        assert_eq!(scanned(&picture), wanted(&label), "seed {seed}: {label:?}");
    }
}

#[test]
fn every_code_of_a_label_is_scanned_back_from_zpl() {
    for seed in 0..25 {
        let mut label = Chance(seed).label();
        if seed == 0 {
            label.tracking_number = "a^b~c_d>e 5".to_owned();
        }
        let sheet = label.sheet().expect("it fits");
        for printer in PRINTERS {
            let picture = printed(&sheet, printer);
            assert_eq!(scanned(&picture), wanted(&label), "seed {seed}: {label:?}");
            assert!(picture == Raster::of(&sheet), "seed {seed}: a printer draws the same, dot by dot");
        }
    }
}

#[test]
fn every_code_of_a_label_is_scanned_back_from_pdf() {
    for seed in 0..40 {
        let label = Chance(seed).label();
        let sheet = label.sheet().expect("it fits");
        let file = pdf(std::slice::from_ref(&sheet));
        let pages = pdf_reader::pages(&file, sheet.width, sheet.height);
        assert_eq!(pages.len(), 1);
        assert_eq!(scanned(&pages[0]), wanted(&label), "seed {seed}: {label:?}");
        let mut drawn = sheet.clone();
        drawn.marks.retain(|mark| !matches!(mark, Mark::Text { .. }));
        assert!(pages[0] == Raster::of(&drawn), "seed {seed}: dot by dot");
        let text = String::from_utf8_lossy(&file).into_owned();
        assert!(text.contains("/MediaBox [0 0 288 432]"), "4 by 6 inches");
    }
}

#[test]
fn bars_and_squares_have_the_sizes_and_quiet_zones_of_the_standard() {
    for seed in 0..100 {
        let label = Chance(seed).label();
        let sheet = label.sheet().expect("it fits");
        let printed = (seed % 5 == 0).then(|| printed(&sheet, PRINTERS[0]));
        for picture in std::iter::once(read_png(&png(&sheet))).chain(printed) {
            assert_eq!((picture.width, picture.height), (812, 1218), "4 by 6 inches");
            sheet.marks.iter().for_each(|mark| measure(seed, &label, mark, &picture));
        }
    }
}

/// Measures a code of a label in the dots of its picture.
fn measure(seed: u64, label: &Label, mark: &Mark, picture: &Raster) {
    let millimetres = |dots: u32| f64::from(dots) * 25.4 / f64::from(DOTS_PER_INCH);
    let (area, quiet) = match mark {
        Mark::Bars { module, .. } => (mark.area(), 10 * module),
        Mark::Square { module, .. } => (mark.area(), 4 * module),
        _ => return,
    };
    let page = Area { x: 0, y: 0, width: picture.width, height: picture.height };
    assert!(page.holds(&area), "seed {seed}: the quiet zone is on the label: {area:?}");
    let column = |x: u32| (area.y..area.bottom()).any(|y| picture.is_dark(x, y));
    let first = (area.x..area.right()).find(|x| column(*x)).expect("it is drawn");
    let last = (area.x..area.right()).rfind(|x| column(*x)).expect("it is drawn");
    assert_eq!((first - area.x, area.right() - last - 1), (quiet, quiet), "seed {seed}: left and right");
    match mark {
        Mark::Bars { module, height, code, .. } => {
            let rows = area.y..area.bottom();
            let dark = |x: u32| rows.clone().filter(|y| picture.is_dark(x, *y)).count() as u32;
            assert!((first..=last).all(|x| [0, *height].contains(&dark(x))), "seed {seed}: bars are whole");
            let row: Vec<bool> = (first..=last).map(|x| picture.is_dark(x, area.y)).collect();
            let widths = row.chunk_by(|a, b| a == b).map(|run| run.len() as u32);
            let modules: Vec<u32> = widths.map(|dots| dots / module).collect();
            assert_eq!(modules.iter().sum::<u32>(), code.width(), "seed {seed}");
            assert!(modules.iter().all(|wide| (1..=4).contains(wide)), "seed {seed}: {modules:?}");
            assert!(millimetres(*module) >= 0.25 && millimetres(*height) >= 15.0, "seed {seed}");
            let is_sscc =
                label.sscc.as_ref().is_some_and(|sscc| *code == Code128::gs1(&sscc.element()).expect("digits"));
            assert!(!is_sscc || (millimetres(*module) >= 0.495 && millimetres(*height) >= 31.75), "seed {seed}");
        }
        Mark::Square { module, .. } => {
            let row = |y: u32| (area.x..area.right()).any(|x| picture.is_dark(x, y));
            let top = (area.y..area.bottom()).find(|y| row(*y)).expect("it is drawn");
            let bottom = (area.y..area.bottom()).rfind(|y| row(*y)).expect("it is drawn");
            assert_eq!((top - area.y, area.bottom() - bottom - 1), (quiet, quiet), "seed {seed}: above, below");
            assert!(millimetres(*module) >= 0.375, "seed {seed}");
        }
        _ => {}
    }
}

fn overlapping(sheet: &Sheet) -> Vec<(&Mark, &Mark)> {
    let pairs = sheet
        .marks
        .iter()
        .enumerate()
        .flat_map(|(at, one)| sheet.marks[at + 1..].iter().map(move |other| (one, other)));
    pairs.filter(|(one, other)| one.area().overlaps(&other.area())).collect()
}

#[test]
fn however_long_names_are_nothing_overlaps_and_all_is_on_the_sheet() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut label = chance.label();
        if seed % 3 == 0 {
            let long = chance.text("abcdefghijklmnopqrstuvwxyz", 500, 500);
            label.to[0] = long.clone();
            (label.from[0], label.carrier, label.reference) = (long.clone(), long.clone(), long);
        }
        let sheet = label.sheet().expect("it fits");
        assert_eq!(overlapping(&sheet), [], "seed {seed}");
        let page = Area { x: 0, y: 0, width: sheet.width, height: sheet.height };
        assert!(sheet.marks.iter().all(|mark| page.holds(&mark.area())), "seed {seed}");
        let said: Vec<&str> = texts(&sheet).collect();
        let last = label.to.last().expect("a line");
        let begins: String = last.chars().take(10).collect();
        assert!(said.iter().any(|line| line.starts_with(&begins)), "seed {seed}: {begins} is not in {said:?}");
    }
}

fn texts(sheet: &Sheet) -> impl Iterator<Item = &str> {
    sheet.marks.iter().filter_map(|mark| if let Mark::Text { text, .. } = mark { Some(text.as_str()) } else { None })
}

#[test]
fn text_is_wrapped_between_words_and_ends_in_an_ellipsis() {
    let width = face::width("0123456789", 30);
    let lines = |text: &str, most| face::wrapped(text, 30, width, most);
    assert_eq!(lines("one two three", 3), ["one two", "three"]);
    assert_eq!(lines("one  two\nthree", 1), ["one two…"]);
    assert_eq!(lines("abcdefghijklmnop", 2), ["abcdefghij", "klmnop"]);
    assert_eq!(lines("abcdefghijklmnop", 1), ["abcdefghi…"]);
    assert_eq!(lines("0123456789", 1), ["0123456789"]);
    assert_eq!(lines(" ", 1), [] as [&str; 0]);
    // A letter and the mark above it take one place.
    assert_eq!(lines("A\u{30a}lesund e\u{301}", 1), ["Ålesund é"]);
    // A mark that has no letter of its own stays with the one it is on.
    assert_eq!(lines("012345678\u{1eb9}\u{300}z", 2), ["012345678", "\u{1eb9}\u{300}z"]);
}

#[test]
fn a_mark_on_no_letter_is_printed_as_nothing() {
    let mut sheet = Sheet { width: 100, height: 100, marks: Vec::new() };
    sheet.marks.push(Mark::Text { x: 10, y: 10, size: 30, text: "\u{300}".to_owned() });
    assert!(zpl(&sheet).ends_with("^XZ\n"));
}

#[test]
fn names_of_europe_have_their_letters() {
    let drawn = |letter: char| {
        let mut raster = Raster::new(60, 80);
        raster.write((10, 10), 50, &letter.to_string());
        raster
    };
    let box_of_the_unknown = drawn('\u{10ffff}');
    let letters = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿĀāĂăĄąĆćĊċČčĎďĐđĒēĖėĘęĚěĞğĠġĢģĦħĪīĮįİı\
                   ĶķĹĺĻļĽľŁłŃńŅņŇňŐőŒœŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŴŵŶŷŸŹźŻżŽžȘșȚțΑΒΓΔΕΖΗΘΆΈΉΊΌΎΏάέήίόύώςАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ\
                   абвгдежзийклмнопрстуфхцчшщъыьэюяЂЃЄЅІЇЈЉЊЋЌЎЏђѓєѕіїјљњћќўџҐґ";
    let letters = letters.chars().filter(|letter| !letter.is_whitespace());
    let missing: String = letters.filter(|letter| drawn(*letter) == box_of_the_unknown).collect();
    assert_eq!(missing, "");
    for (one, other) in [('Ł', 'L'), ('ő', 'ö'), ('ş', 's'), ('İ', 'I'), ('Đ', 'D')] {
        assert_ne!(drawn(one), drawn(other), "{one} {other}");
    }
    assert_eq!(face::wrapped("GROẞ", 30, 800, 1), ["GROSS"], "what the face lacks and all know how to write");
}

#[test]
fn check_digits_are_those_of_the_standard() {
    // Worked examples of GS1: a GTIN-13, a GTIN-8, an SSCC.
    for (digits, check) in [("629104150021", 3), ("9638507", 4), ("10614141234567890", 8), ("0", 0), ("", 0)] {
        assert_eq!(check_digit(digits), Some(check), "{digits}");
    }
    assert_eq!(check_digit("12a"), None);
    let sscc = Sscc::parse("106141412345678908").expect("an SSCC");
    assert_eq!((sscc.element(), sscc.readable()), ("00106141412345678908".into(), "(00) 106141412345678908".into()));
    assert_eq!(Sscc::parse("106141412345678900"), Err(NotAnSscc::WrongCheckDigit(8)));
    for bad in ["", "10614141234567890", "1061414123456789080", "10614141234567890x", "１０６１４１"] {
        assert_eq!(Sscc::parse(bad), Err(NotAnSscc::NotDigits), "{bad}");
    }
}

#[test]
fn digits_go_by_twos_where_that_is_shorter() {
    let zpl = |text: &str| Code128::of(text).expect("printable").zpl();
    for (text, wanted) in [
        ("12", ">;12"),
        ("1234", ">;1234"),
        ("12345", ">;1234>65"),
        ("AB1234", ">:AB>51234"),
        ("AB12345", ">:AB1>52345"),
        ("AB123", ">:AB123"),
        ("1234AB", ">;1234>6AB"),
        ("A1234B", ">:A1234B"),
        ("A1234567B", ">:A1>5234567>6B"),
        ("a>b", ">:a>0b"),
        ("7", ">:7"),
    ] {
        assert_eq!(zpl(text), wanted, "{text}");
    }
    assert_eq!(Code128::gs1("00106141412345678908").expect("digits").zpl(), ">;>800106141412345678908");
    // Start, FNC1, ten pairs, check: eleven modules each; stop: thirteen.
    assert_eq!(Code128::gs1("00106141412345678908").expect("digits").width(), 13 * 11 + 13);
}

#[test]
fn what_cannot_be_a_bar_code_says_why() {
    let refused = |tracking_number: &str| {
        let label = Label { tracking_number: tracking_number.to_owned(), ..Chance(1).label() };
        label.sheet().map(drop)
    };
    assert_eq!(refused(""), Err(NotEncodable::Empty));
    assert_eq!(refused("AB\u{e9}"), Err(NotEncodable::Character('é')));
    assert_eq!(refused("A\nB"), Err(NotEncodable::Character('\n')));
    assert_eq!(refused(&"A".repeat(31)), Ok(()));
    assert_eq!(refused(&"A".repeat(32)), Err(NotEncodable::TooLong { modules: 34 * 11 + 13, most: 386 }));
    assert_eq!(refused(&"1".repeat(62)), Ok(()));
}

fn paper(rows: usize) -> Paper {
    let columns = [("Item", 30, false), ("Name", 50, false), ("Units", 20, true)];
    Paper {
        title: "Pick list".to_owned(),
        code: "f-17-1".to_owned(),
        heading: vec![("NODE", vec!["Łódź".to_owned(), "60601 US".to_owned()]), ("ORDER", vec!["o-17".to_owned()])],
        columns: columns.map(|(title, share, is_number)| Column { title, share, is_number }).to_vec(),
        rows: (0..rows)
            .map(|row| vec![format!("sku-{row}"), "A name of many words ".repeat(row % 9), row.to_string()])
            .collect(),
        below: vec!["That is all".to_owned()],
    }
}

#[test]
fn a_paper_goes_over_as_many_pages_as_it_takes() {
    for rows in [0, 1, 40, 400] {
        let sheets = paper(rows).sheets();
        assert_eq!(sheets.len() > 1, rows >= 40, "{rows} rows on {} pages", sheets.len());
        let said: Vec<&str> = sheets.iter().flat_map(texts).collect();
        for row in 0..rows {
            let sku = format!("sku-{row}");
            assert_eq!(said.iter().filter(|line| **line == sku).count(), 1, "{sku} of {rows}");
        }
        assert!(said.contains(&"That is all"));
        let last = format!("f-17-1 {0} / {0}", sheets.len());
        assert!(said.contains(&last.as_str()), "{said:?}");
        for sheet in &sheets {
            assert_eq!(overlapping(sheet), [], "{rows} rows");
            // What A4 and US Letter have in common: 210 × 279 mm.
            let page = Area { x: 0, y: 0, width: 1_678, height: 2_230 };
            assert!(sheet.marks.iter().all(|mark| page.holds(&mark.area())), "{rows} rows");
        }
        let codes = scanned(&Raster::of(&sheets[0]));
        assert!(codes.contains(&(BarcodeFormat::CODE_128, "f-17-1".to_owned())), "{codes:?}");
        let pages = pdf_reader::pages(&pdf(&sheets), sheets[0].width, sheets[0].height);
        assert_eq!(pages.len(), sheets.len());
    }
}

#[test]
fn letters_in_pdf_say_what_they_are_and_there_may_be_many() {
    let mut sheet = Sheet::new(label::WIDTH, label::HEIGHT);
    let all: String = ('!'..='\u{17f}').filter(|letter| !letter.is_control() && !letter.is_whitespace()).collect();
    assert!(all.chars().count() > 256, "more than one font holds");
    sheet.lines((0, 0), 20, label::WIDTH, 40, &all);
    let cmaps =
        pdf_reader::streams(&pdf(&[sheet])).into_iter().map(|stream| String::from_utf8_lossy(&stream).into_owned());
    let cmaps: Vec<String> = cmaps.filter(|stream| stream.contains("beginbfchar")).collect();
    assert_eq!(cmaps.len(), 2);
    for letter in all.chars() {
        let code = format!("<{:04X}>", u32::from(letter));
        assert_eq!(cmaps.iter().filter(|cmap| cmap.to_uppercase().contains(&code)).count(), 1, "{letter}");
    }
}

#[test]
fn the_same_label_is_the_same_bytes() {
    let sheet = Chance(5).label().sheet().expect("it fits");
    assert_eq!(png(&sheet), png(&sheet));
    assert_eq!(pdf(std::slice::from_ref(&sheet)), pdf(std::slice::from_ref(&sheet)));
    assert_eq!(zpl(&sheet), zpl(&sheet));
}

/// As much of a reader of PDF as finds the rectangles that are filled.
mod pdf_reader {
    use super::super::raster::Raster;
    use super::super::sheet::Area;
    use super::{DOTS_PER_INCH, Read};

    /// Every stream of the file, inflated.
    pub fn streams(file: &[u8]) -> Vec<Vec<u8>> {
        let position = |from: usize, what: &[u8]| {
            file[from..].windows(what.len()).position(|bytes| bytes == what).map(|at| from + at)
        };
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(begin) = position(at, b"stream\n") {
            let end = position(begin, b"\nendstream").expect("a stream ends");
            let mut inflated = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(&file[begin + 7..end]);
            decoder.read_to_end(&mut inflated).expect("it is deflated");
            found.push(inflated);
            at = end + 10;
        }
        found
    }

    /// The rectangles of every page, in dots.
    pub fn pages(file: &[u8], width: u32, height: u32) -> Vec<Raster> {
        let texts = streams(file).into_iter().map(|stream| String::from_utf8_lossy(&stream).into_owned());
        texts
            .filter(|text| text.lines().next().is_some_and(|line| line.ends_with("cm")))
            .map(|text| page(&text, width, height))
            .collect()
    }

    fn page(text: &str, width: u32, height: u32) -> Raster {
        let mut raster = Raster::new(width, height);
        let mut open = Vec::new();
        for line in text.lines() {
            let numbers: Vec<f64> = line.split(' ').map_while(|word| word.parse().ok()).collect();
            match line.rsplit(' ').next() {
                Some("cm") => {
                    let dot = 72.0 / f64::from(DOTS_PER_INCH);
                    let expected = [dot, 0.0, 0.0, -dot, 0.0, f64::from(height) * dot];
                    assert!(numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{numbers:?}");
                }
                Some("re") => {
                    let [x, y, width, height] = numbers[..] else { panic!("{line}") };
                    open.push(Area { x: x as u32, y: y as u32, width: width as u32, height: height as u32 });
                }
                Some("f") => open.drain(..).for_each(|area| raster.fill(area)),
                _ => {}
            }
        }
        raster
    }
}
