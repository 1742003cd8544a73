import { checkLayersOn } from './suite.ts';

checkLayersOn('cpu');
