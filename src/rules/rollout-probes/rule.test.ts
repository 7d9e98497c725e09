import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutProbes } from './rule.ts';

testRule(rolloutProbes, import.meta.dirname);
