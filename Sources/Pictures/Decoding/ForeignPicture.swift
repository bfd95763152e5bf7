/// A file that is no picture of a supported format: what its first bytes say that it is, and what to do with it.
struct ForeignPicture {
    /// The format, with its article.
    let name: String
    let remedy: String

    private static let convert = "save it as PNG, or with ImageMagick: convert FILE FILE.png"

    init(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else {
            self.init("an empty file", "fetch or save it again")
            return
        }
        func begins(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        func begins(_ start: [UInt8]) -> Bool { bytes.starts(with: start) }
        // Before text there may be a byte-order mark, white space and comments.
        let text = String(decoding: bytes.prefix(1024), as: UTF8.self).lowercased()
        func says(_ word: String) -> Bool { text.contains(word) }
        let startsAsText = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.hasPrefix("<")
        let isMedia = begins("ftyp", at: 4)
        func brand(_ names: String...) -> Bool { isMedia && names.contains { begins($0, at: 8) } }
        let known: [(isIt: Bool, name: String, remedy: String)] = [
            (begins("GIF8"), "a GIF picture", Self.convert), (begins("BM"), "a BMP picture", Self.convert),
            (
                begins("II*\0") || begins("MM\0*") || begins("II+\0") || begins("MM\0+"), "a TIFF picture", Self.convert
            ),
            (begins("RIFF") && begins("WEBP", at: 8), "a WebP picture", Self.convert),
            (
                brand("mp4", "iso", "qt", "avc1", "M4V", "3gp"), "a video",
                "take a picture from it: ffmpeg -i FILE -frames:v 1 FILE.png"
            ),
            (brand("crx"), "a raw photograph (CR3)", "develop it to JPEG or PNG"),
            (brand("avif", "avis"), "an AVIF picture", Self.convert),
            (isMedia, "a HEIF picture (HEIC), as iPhones take them", Self.convert + " (or heif-convert FILE FILE.png)"),
            (
                begins("%PDF") || says("%pdf-"), "a PDF document",
                "make a picture of each page: pdftoppm -r 300 -png FILE page"
            ),
            (begins("%!PS") || begins([0xC5, 0xD0, 0xD3, 0xC6]), "a PostScript file (EPS)", Self.convert),
            (begins("P7"), "a PAM picture", Self.convert),
            (begins("Pf\n") || begins("PF\n"), "a PFM picture", Self.convert),
            (begins("JXL ", at: 4) || begins([0xFF, 0x0A]), "a JPEG XL picture", Self.convert),
            (begins("jP  ", at: 4) || begins([0xFF, 0x4F, 0xFF, 0x51]), "a JPEG 2000 picture", Self.convert),
            (begins([0, 0, 1, 0]) || begins([0, 0, 2, 0]), "an icon (ICO)", Self.convert),
            (begins("8BPS"), "a Photoshop file (PSD)", "export it as PNG"),
            (begins("gimp xcf"), "a GIMP file (XCF)", "export it as PNG"),
            (begins("v/1\u{1}"), "an OpenEXR picture", Self.convert), (begins("qoif"), "a QOI picture", Self.convert),
            (begins("DICM", at: 128), "a DICOM file", "export it as PNG"),
            (begins("AT&TFORM"), "a DjVu document", "make a picture of each page: ddjvu -format=ppm FILE page.ppm"),
            (says("<svg") && startsAsText, "an SVG picture", "draw it as PNG: rsvg-convert FILE -o FILE.png"),
            (
                (says("<!doctype html") || says("<html")) && startsAsText, "a web page",
                "the download gave a page instead of the file"
            ),
            (begins("version https://git-lfs"), "a pointer of Git LFS, not the file itself", "git lfs pull"),
            (
                begins("data:image/") || begins("iVBORw0KGgo") || begins("/9j/"), "a picture as Base64 text",
                "decode it: cut what is before a comma, then base64 -d"
            ),
            (
                begins("PNG\r\n", at: 1) || begins("PNG\n", at: 1), "a PNG whose bytes were converted as text",
                "transfer it again, in binary"
            ),
            (begins("PK\u{3}\u{4}"), "a zip archive", "unpack it first: unzip"),
            (begins([0x1F, 0x8B]), "a gzip file", "unpack it first: gunzip"),
            (begins("NUMPY", at: 1), "a NumPy array", "save it as PNG"),
            (begins([0, 0, 8, 3]), "an IDX file of images", "trainer datasets convert FILE FOLDER --to png"),
        ]
        let found = known.first { $0.isIt }
        self.init(found?.name ?? "a file of another kind", found?.remedy ?? Self.convert)
    }

    private init(_ name: String, _ remedy: String) { (self.name, self.remedy) = (name, remedy) }
}
