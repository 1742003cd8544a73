import { checkOptimizersOn } from './suite.ts';

checkOptimizersOn('tensorflow');
