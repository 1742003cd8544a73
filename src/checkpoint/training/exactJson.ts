const SPECIAL = '$number';

/**
 * JSON in which every number comes back as it was: NaN, the infinities and −0, which JSON cannot say, stand as
 * `{"$number": "NaN"}`. A resumed run goes on with the very numbers of the one that wrote them.
 */
export const formatExact = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, each: unknown) =>
      typeof each === 'number' && (!Number.isFinite(each) || Object.is(each, -0))
        ? { [SPECIAL]: Object.is(each, -0) ? '-0' : String(each) }
        : each,
    2,
  );

/** Throws a SyntaxError where the text is no JSON. */
export const parseExact = (text: string): unknown =>
  JSON.parse(text, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || !(SPECIAL in each)) return each;
    const said = each[SPECIAL];
    return typeof said === 'string' && Object.keys(each).length === 1 ? Number(said) : each;
  });
