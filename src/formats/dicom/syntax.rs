//! Transfer syntaxes: the encodings of data sets and pixels (PS3.5 annex A).

use super::prescan::Encoding;
use dicom_transfer_syntax_registry::{TransferSyntax, TransferSyntaxIndex, TransferSyntaxRegistry, entries};

const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
pub(super) const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// A transfer syntax of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) uid: String,
    /// Its name in the standard, or `unknown`.
    pub(super) name: &'static str,
    pub(super) encoding: Encoding,
    /// Whether the whole data set is deflated.
    pub(super) deflated: bool,
    /// Whether the decoders compiled in can read its pixels.
    pub(super) decodable: bool,
}

/// The transfer syntax with this UID; one that the registry does not know is read as explicit VR little endian.
pub(super) fn of(uid: &str) -> Syntax {
    let known = TransferSyntaxRegistry.get(uid);
    let encoding = match uid {
        IMPLICIT_LITTLE => Encoding::ImplicitLittle,
        EXPLICIT_BIG => Encoding::ExplicitBig,
        _ => Encoding::ExplicitLittle,
    };
    Syntax {
        uid: uid.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(64).collect(),
        name: known.map_or("unknown", TransferSyntax::name),
        encoding,
        deflated: uid == DEFLATED,
        decodable: is_jpeg_ls(uid) || known.is_some_and(TransferSyntax::can_decode_all),
    }
}

/// Whether pixels are compressed as JPEG-LS, lossless or near-lossless, which the registry names but does not read.
pub(super) fn is_jpeg_ls(uid: &str) -> bool {
    ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"].contains(&uid)
}

/// The transfer syntax with which `dicom-object` reads elements in this encoding.
pub(super) fn dataset(encoding: Encoding) -> TransferSyntax {
    match encoding {
        Encoding::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        Encoding::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    }
}
