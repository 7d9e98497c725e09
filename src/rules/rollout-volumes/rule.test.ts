import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutVolumes } from './rule.ts';

testRule(rolloutVolumes, import.meta.dirname);
