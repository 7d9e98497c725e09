import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutExperiment } from './rule.ts';

testRule(rolloutExperiment, import.meta.dirname);
