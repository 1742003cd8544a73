/** How a number lies in the header. */
export type FieldKind = 'uint8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64';

/** Byte offset of a field's first number, and the kind of all its numbers. */
export type FieldLayout = readonly [offset: number, kind: FieldKind];

/** Bytes of the header without the four extension bytes; also its first number. */
export const HEADER_BYTES = { 1: 348, 2: 540 } as const;

/** Where the fields that we read and write lie (nifti1.h and nifti2.h). */
export const LAYOUT = {
  1: {
    dim: [40, 'int16'],
    datatype: [70, 'int16'],
    bitpix: [72, 'int16'],
    pixdim: [76, 'float32'],
    vox_offset: [108, 'float32'],
    scl_slope: [112, 'float32'],
    scl_inter: [116, 'float32'],
    xyzt_units: [123, 'uint8'],
    qform_code: [252, 'int16'],
    sform_code: [254, 'int16'],
    quatern: [256, 'float32'],
    qoffset: [268, 'float32'],
    srow_x: [280, 'float32'],
    srow_y: [296, 'float32'],
    srow_z: [312, 'float32'],
  },
  2: {
    datatype: [12, 'int16'],
    bitpix: [14, 'int16'],
    dim: [16, 'int64'],
    pixdim: [104, 'float64'],
    vox_offset: [168, 'int64'],
    scl_slope: [176, 'float64'],
    scl_inter: [184, 'float64'],
    qform_code: [344, 'int32'],
    sform_code: [348, 'int32'],
    quatern: [352, 'float64'],
    qoffset: [376, 'float64'],
    srow_x: [400, 'float64'],
    srow_y: [432, 'float64'],
    srow_z: [464, 'float64'],
    xyzt_units: [500, 'int32'],
  },
} as const satisfies Record<1 | 2, Record<string, FieldLayout>>;

export type FieldName = keyof (typeof LAYOUT)[1];
