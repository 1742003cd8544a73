import { afterEach, describe, expect, test, vi } from 'vitest';
import { EngineMissingError, EngineStartedError, engineVersions, startEngine } from '../../src/engine/index.ts';

describe('startEngine', () => {
  const written: string[] = [];
  const listen = () =>
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    written.length = 0;
  });

  test('says how to get an engine that is not installed', async () => {
    vi.stubEnv('LAMP_CACHE', '/nonexistent');
    const start = startEngine({ name: 'tensorflow' });
    await expect(start).rejects.toThrow(EngineMissingError);
    await expect(start).rejects.toThrow(/not installed.*npm run setup/);
  });

  test('says so where the addon cannot be loaded, and keeps the cause', async () => {
    const start = startEngine({ name: 'tensorflow', addon: '/nonexistent/tfjs_binding.node' });
    await expect(start).rejects.toThrow(/cannot be loaded from \/nonexistent\/tfjs_binding.node.*npm run setup/s);
    await expect(start).rejects.toHaveProperty('cause');
  });

  test('has no versions before an engine has started', () => {
    expect(() => engineVersions()).toThrow(/startEngine/);
  });

  test('falls back to plain tfjs with one loud line, and then stays with it', async () => {
    vi.stubEnv('LAMP_CACHE', '/nonexistent');
    listen();
    const engine = await startEngine({ name: 'auto' });
    expect(engine.name).toBe('cpu');
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/200 TIMES SLOWER.*npm run setup/);
    expect(await startEngine({ name: 'auto' })).toBe(engine);
    expect(await startEngine({ name: 'cpu' })).toBe(engine);
    expect(written).toHaveLength(1);
    expect(engineVersions()).toMatchObject({ tfjs: '4.22.0' });
    expect(engineVersions().device).not.toBe('');
  });

  test('does not start a second engine beside the first', async () => {
    await startEngine({ name: 'cpu' });
    await expect(startEngine({ name: 'tensorflow', addon: '/any' })).rejects.toThrow(EngineStartedError);
  });
});
