import { checkOptimizersOn } from './suite.ts';

checkOptimizersOn('cpu');
