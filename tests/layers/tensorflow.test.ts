import { checkLayersOn } from './suite.ts';

checkLayersOn('tensorflow');
