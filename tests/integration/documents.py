"""What libraries that are not ours read in a report.pdf and a report.xlsx, as JSON for documents.rs.

usage: documents.py report.pdf report.xlsx
"""

import base64
import hashlib
import json
import sys

import openpyxl
import pikepdf
import pypdf


def titles(outline):
    """The bookmarks, those of the second level indented."""
    for item in outline:
        yield item.title
        for child in item.children:
            yield "  " + child.title


def tags(node, counts):
    """Counts the kinds of the structure tree's elements."""
    if isinstance(node, pikepdf.Array):
        for child in node:
            tags(child, counts)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            kind = str(node.S)
            counts[kind] = counts.get(kind, 0) + 1
        if "/K" in node:
            tags(node.K, counts)


def active(pdf):
    """What could run, or lead out of the document."""
    found = []
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary):
            found += [key for key in ("/JS", "/JavaScript", "/Launch", "/URI", "/AA") if key in item]
    return found


def of_pdf(path):
    pdf = pikepdf.open(path)
    counts = {}
    tags(pdf.Root.StructTreeRoot, counts)
    with pdf.open_outline() as outline:
        bookmarks = list(titles(outline.root))
    fonts = set()
    for page in pdf.pages:
        for font in page.Resources.get("/Font", {}).values():
            inner = font.DescendantFonts[0].FontDescriptor
            is_embedded = any(key in inner for key in ("/FontFile2", "/FontFile3"))
            fonts.add((str(font.BaseFont).split("+")[-1], is_embedded))
    with pdf.open_metadata() as metadata:
        declared = [metadata.get(f"pdfaid:{key}") for key in ("part", "conformance")]
        declared.append(metadata.get("pdfuaid:part"))
    attached = {name: base64.b64encode(spec.get_file().read_bytes()).decode()
                for name, spec in pdf.attachments.items()}
    return {
        "problems": pdf.check_pdf_syntax() if hasattr(pdf, "check_pdf_syntax") else pdf.check(),
        "declared": declared,
        "language": str(pdf.Root.Lang),
        "tags": counts,
        "bookmarks": bookmarks,
        "fonts": sorted(fonts),
        "attached": attached,
        "active": active(pdf),
        "pages": [page.extract_text() for page in pypdf.PdfReader(path).pages],
    }


def of_xlsx(path):
    book = openpyxl.load_workbook(path)
    sheets = {}
    for sheet in book:
        rows = [[None if cell.value is None else str(cell.value) for cell in row] for row in sheet]
        cells = [cell for row in sheet for cell in row]
        sheets[sheet.title] = {
            "frozen": sheet.freeze_panes,
            "filter": sheet.auto_filter.ref,
            "formulas": [cell.coordinate for cell in cells if cell.data_type == "f"],
            "links": [cell.coordinate for cell in cells if cell.hyperlink],
            "dates": sum(cell.is_date for cell in cells),
            "rows": rows,
        }
    return {"sheets": sheets, "order": book.sheetnames}


if __name__ == "__main__":
    pdf, xlsx = sys.argv[1:]
    json.dump({"pdf": of_pdf(pdf), "xlsx": of_xlsx(xlsx)}, sys.stdout)
