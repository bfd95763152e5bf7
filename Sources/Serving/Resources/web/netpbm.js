// Netpbm's raw formats, which browsers do not show: PBM (P4), PGM (P5) and PPM (P6), of 1, 8 or 16 bits.
const gap = '(?:[ \\t-\\r]|#[^\\r\\n]*[\\r\\n])+', most = 2 ** 24;
const header = new RegExp(`^P(?:4${gap}(\\d{1,9})${gap}(\\d{1,9})|([56])${gap}(\\d{1,9})${gap}(\\d{1,9})${gap}(\\d{1,5}))[ \\t-\\r]`);

// The picture as ImageData; null where the bytes are not one.
export function netpbm(bytes) {
  const found = header.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 65536)));
  if (!found) return null;
  const isBitmap = found[1] !== undefined, channels = found[3] === '6' ? 3 : 1;
  const width = Number(found[1] ?? found[4]), height = Number(found[2] ?? found[5]), largest = Number(found[6] ?? 1);
  const size = largest > 255 ? 2 : 1, row = isBitmap ? Math.ceil(width / 8) : width * channels * size;
  const start = found[0].length;
  if (width * height === 0 || width * height > most || largest === 0 || bytes.length - start < row * height) return null;
  const level = (x, y) => {
    if (isBitmap) return bytes[start + y * row + (x >> 3)] >> (7 - (x & 7)) & 1 ? 0 : 255;
    const at = start + y * row + x * size;
    return (size === 1 ? bytes[at] : bytes[at] << 8 | bytes[at + 1]) * 255 / largest;
  };
  const image = new ImageData(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) image.data[i++] = level(channels === 3 ? 3 * x + c : x, y);
      image.data[i++] = 255;
    }
  }
  return image;
}
