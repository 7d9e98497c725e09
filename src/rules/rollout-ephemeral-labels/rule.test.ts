import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutEphemeralLabels } from './rule.ts';

testRule(rolloutEphemeralLabels, import.meta.dirname);
