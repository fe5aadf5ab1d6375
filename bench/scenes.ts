import sharp from 'sharp';
import { uniforms } from '../src/base/random.ts';
import type { Box } from '../src/native/pipeline-options.ts';

export interface Scene {
  readonly picture: Buffer;
  readonly faces: readonly Box[];
}

export interface Portrait {
  readonly picture: Buffer;
  readonly width: number;
  readonly height: number;
  readonly box: Box;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const GREY = { r: 128, g: 128, b: 128 };

export async function strewn(portraits: readonly Portrait[], width: number, size: Size): Promise<Scene[]> {
  const [columns, rows] = [4, 3];
  const random = uniforms(width);
  const scenes: Scene[] = [];
  for (let first = 0; first < portraits.length; first += columns * rows) {
    const faces: Box[] = [];
    const laid = await Promise.all(
      portraits.slice(first, first + columns * rows).map(async (portrait, i) => {
        // Before anything is waited for, so that each gets the same in every run.
        const [across, down] = [random(), random()];
        const patch = await patchOf(portrait, width);
        const cell = { width: size.width / columns, height: size.height / rows };
        const left = Math.floor((i % columns) * cell.width + across * (cell.width - patch.width));
        const top = Math.floor(Math.floor(i / columns) * cell.height + down * (cell.height - patch.height));
        faces.push({ ...patch.box, x: patch.box.x + left, y: patch.box.y + top });
        return { input: patch.picture, left, top };
      }),
    );
    const picture = await sharp(slope(size)).composite(laid).jpeg({ quality: 95 }).toBuffer();
    scenes.push({ picture, faces });
  }
  return scenes;
}

async function patchOf({ picture, width: right, height: bottom, box }: Portrait, width: number) {
  const scale = width / box.width;
  const left = Math.max(0, Math.round(box.x - 0.6 * box.width));
  const top = Math.max(0, Math.round(box.y - 0.6 * box.height));
  const cut = {
    left,
    top,
    width: Math.min(right - left, Math.round(2.2 * box.width)),
    height: Math.min(bottom - top, Math.round(2.2 * box.height)),
  };
  const size = { width: Math.round(cut.width * scale), height: Math.round(cut.height * scale) };
  return {
    picture: await sharp(picture).extract(cut).resize(size).png().toBuffer(),
    ...size,
    box: scaled({ ...box, x: box.x - left, y: box.y - top }, scale),
  };
}

export async function cutClose(portrait: Portrait, share: number, side: number): Promise<Scene> {
  const { picture, width: right, height: bottom, box } = portrait;
  const width = Math.min(right, Math.round(box.width / share));
  const height = Math.min(bottom, Math.round(Math.max(box.height / share, width)));
  const left = Math.max(0, Math.min(right - width, Math.round(box.x + (box.width - width) / 2)));
  const top = Math.max(0, Math.min(bottom - height, Math.round(box.y + (box.height - height) / 2)));
  const cut = await sharp(picture)
    .extract({ left, top, width, height })
    .resize({ width: side })
    .jpeg({ quality: 95 })
    .toBuffer();
  return { picture: cut, faces: [scaled({ ...box, x: box.x - left, y: box.y - top }, side / width)] };
}

export async function turned({ picture, width, height, box }: Portrait, angle: number): Promise<Scene> {
  const { data, info } = await sharp(picture)
    .rotate(angle, { background: GREY })
    .jpeg({ quality: 95 })
    .toBuffer({ resolveWithObject: true });
  const radians = (angle * Math.PI) / 180;
  const x = box.x + box.width / 2 - width / 2;
  const y = box.y + box.height / 2 - height / 2;
  const centre = {
    x: info.width / 2 + x * Math.cos(radians) - y * Math.sin(radians),
    y: info.height / 2 + x * Math.sin(radians) + y * Math.cos(radians),
  };
  return {
    picture: data,
    faces: [{ ...box, x: centre.x - box.width / 2, y: centre.y - box.height / 2 }],
  };
}

export async function lit({ picture, box }: Portrait, factor: number): Promise<Scene> {
  return { picture: await sharp(picture).linear(factor, 0).jpeg({ quality: 90 }).toBuffer(), faces: [box] };
}

export async function storedTurned(picture: Buffer, orientation: 3 | 6 | 8): Promise<Buffer> {
  const back = { 3: 180, 6: 270, 8: 90 }[orientation];
  return sharp(picture).rotate(back).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
}

export async function textures(size: Size): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  const random = uniforms(7);
  for (const cells of [8, 16, 32, 64, 128, 256]) {
    const width = cells;
    const height = Math.round((cells * size.height) / size.width);
    for (const channels of [1, 3] as const) {
      const noise = Buffer.from(
        Array.from({ length: width * height * channels }, () => Math.floor(256 * random())),
      );
      for (const kernel of ['nearest', 'cubic'] as const) {
        pictures.push(
          await sharp(noise, { raw: { width, height, channels } })
            .resize({ ...size, fit: 'fill', kernel })
            .toColourspace('srgb')
            .jpeg({ quality: 90 })
            .toBuffer(),
        );
      }
    }
  }
  for (const period of [6, 14, 30, 66, 140]) {
    const stripes = `<svg width="${size.width}" height="${size.height}"><defs><pattern id="p" width="${period}" height="${period}" patternUnits="userSpaceOnUse" patternTransform="rotate(${period})"><rect width="100%" height="100%" fill="#caa"/><circle cx="${period / 3}" cy="${period / 3}" r="${period / 5}" fill="#421"/><rect y="${(2 * period) / 3}" width="100%" height="${period / 6}" fill="#622"/></pattern></defs><rect width="100%" height="100%" fill="url(#p)"/></svg>`;
    pictures.push(await sharp(Buffer.from(stripes)).jpeg({ quality: 90 }).toBuffer());
  }
  return pictures;
}

export async function wheels(count: number): Promise<Buffer[]> {
  const random = uniforms(12);
  const between = (least: number, most: number) => least + (most - least) * random();
  const colour = (least: number, most: number) =>
    `rgb(${Array.from({ length: 3 }, () => Math.floor(between(least, most))).join()})`;
  const pictures: Buffer[] = [];
  while (pictures.length < count) {
    const [width, height] = [Math.floor(between(320, 640)), Math.floor(between(240, 480))];
    const across = between(30, 0.35 * height);
    const down = Math.min(across * between(0.9, 1.6), height / 2 - 8);
    const [rim, ring, hole] = [between(0.6, 0.85), between(0.5, 0.8), across * between(0.1, 0.22)];
    const holes = 4 + Math.floor(between(0, 4));
    const first = between(0, 2 * Math.PI);
    const [x, y] = [width / 2, height / 2];
    const ellipse = (rx: number, ry: number, fill: string) =>
      `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}"/>`;
    const drawn = Array.from({ length: holes }, (_, i) => {
      const angle = first + (2 * Math.PI * i) / holes + between(-0.2, 0.2);
      const [dx, dy] = [Math.cos(angle) * across * rim * ring, Math.sin(angle) * down * rim * ring];
      return `<circle cx="${x + dx}" cy="${y + dy}" r="${hole}" fill="#3a302c"/>`;
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${colour(90, 240)}"/>${ellipse(across, down, '#181a1d')}${ellipse(across * rim, down * rim, colour(150, 230))}${drawn.join('')}${ellipse(0.7 * hole, 0.7 * hole, '#666')}</svg>`;
    pictures.push(await sharp(Buffer.from(svg)).blur(between(0.5, 2)).jpeg({ quality: 90 }).toBuffer());
  }
  return pictures;
}

export async function withoutFaces(picture: Buffer, faces: readonly Box[], side: number): Promise<Buffer[]> {
  const { width = 0, height = 0 } = await sharp(picture).metadata();
  const cuts: Buffer[] = [];
  for (let top = 0; top + side <= height; top += side) {
    for (let left = 0; left + side <= width; left += side) {
      const isClear = faces.every(
        (box) =>
          left > box.x + 1.5 * box.width ||
          left + side < box.x - 0.5 * box.width ||
          top > box.y + 1.5 * box.height ||
          top + side < box.y - 0.5 * box.height,
      );
      if (isClear)
        cuts.push(await sharp(picture).extract({ left, top, width: side, height: side }).png().toBuffer());
    }
  }
  return cuts;
}

function scaled({ x, y, width, height }: Box, scale: number): Box {
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}

function slope({ width, height }: Size): Buffer {
  return Buffer.from(
    `<svg width="${width}" height="${height}"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#456"/><stop offset="1" stop-color="#cba"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`,
  );
}
