import { checkLossesOn } from './suite.ts';

checkLossesOn('cpu');
