/// The segments before a JPEG's first scan, with the faults that every viewer tolerates repaired, so that any remaining
/// warning of the decoder concerns pixels.
///
/// Stray bytes between segments are removed, and so are fill bytes before markers; an unknown JFIF revision is replaced
/// by 1; a missing end marker is restored, and the decoder determines whether all pixels before it are present. In a
/// progressive file a whole scan may be missing without a warning, so there the end marker is required. Source: ITU-T
/// T.81, annex B.
struct JPEGSegments {
    private(set) var bytes: [UInt8]
    private(set) var notes: [String] = []

    init(_ file: [UInt8]) {
        bytes = Array(file.prefix(2))
        var position = 2, stray = 0, isProgressive = false
        while position + 1 < file.count {
            guard file[position] == 0xFF else {
                (position, stray) = (position + 1, stray + 1)
                continue
            }
            let marker = file[position + 1]
            guard marker != 0xFF, marker != 0 else {
                position += 1
                continue
            }
            // Markers without a segment.
            if marker == 0x01 || (0xD0...0xD9).contains(marker) {
                bytes += [0xFF, marker]
                position += 2
                if marker == 0xD9 { break }
                continue
            }
            guard position + 4 <= file.count else { break }
            let end = position + 2 + Int(file[position + 2]) << 8 + Int(file[position + 3])
            guard end <= file.count, end >= position + 4 else { break }
            var segment = Array(file[position..<end])
            if marker == 0xE0, segment.dropFirst(4).starts(with: "JFIF\0".utf8), segment.count > 9, segment[9] != 1 {
                notes.append("the JPEG says JFIF revision \(segment[9]), which there is not")
                segment[9] = 1
            }
            if marker == 0xC2 { isProgressive = true }
            bytes += segment
            position = end
            if marker == 0xDA {
                let scan = file[position...]
                bytes += scan
                position = file.count
                let hasEnd = zip(scan, scan.dropFirst()).contains { $0 == 0xFF && $1 == 0xD9 }
                if !hasEnd, !isProgressive {
                    // Drop a truncated marker at the end.
                    if bytes.last == 0xFF { bytes.removeLast() }
                    bytes += [0xFF, 0xD9]
                    notes.append("the JPEG has no end marker, but all its pixels")
                }
            }
        }
        bytes += file[min(position, file.count)...]
        if stray > 0 { notes.append("the JPEG has \(stray) bytes between its segments that belong to none") }
    }
}
