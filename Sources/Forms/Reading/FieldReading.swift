import Pictures

/// The result of reading a field.
package struct FieldReading: Sendable {
    package var name: String
    /// The possible values, most probable first; `""` for an empty field. Empty if nothing was read.
    package var values: [FieldValue]
    /// The most probable text, ignoring checks.
    package var unchecked: String
    /// The reason why a person should review the field regardless of its probability; nil if there is none.
    package var problem: String?
    /// The rectified picture of the field; nil if the page was not found.
    package var image: GreyImage?

    package var best: FieldValue? { values.first }
}

/// The result of reading a page.
package struct PageReading: Sendable {
    /// The registered page; nil if the picture is not a page of the form.
    package var registered: RegisteredPage?
    package var failure: String?
    package var fields: [FieldReading]
    /// Whether the picture is not a page of the form because it is blank, such as the back of a sheet.
    package var isBlank = false
}
