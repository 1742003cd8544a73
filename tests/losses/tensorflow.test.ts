import { checkLossesOn } from './suite.ts';

checkLossesOn('tensorflow');
