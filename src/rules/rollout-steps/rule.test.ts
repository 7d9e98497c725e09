import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutSteps } from './rule.ts';

testRule(rolloutSteps, import.meta.dirname);
