//! QR codes: text as a square, error correction level M (15 % may be lost). Source: ISO/IEC 18004.

use qrcode::{Color, EcLevel, QrCode};

/// Modules around it that have to stay light, on every side.
pub const QUIET_MODULES: u32 = 4;

/// A text as a square.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Qr {
    width: usize,
    modules: Vec<bool>,
}

impl Qr {
    /// Of a text; `None` when no square holds that much.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        Some(Self { width, modules: code.into_colors().into_iter().map(|color| color == Color::Dark).collect() })
    }

    /// Modules on a side, quiet zone left out.
    pub fn width(&self) -> u32 {
        self.width as u32
    }

    /// Its rows from above; `true` is dark.
    pub fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.modules.chunks(self.width)
    }
}
